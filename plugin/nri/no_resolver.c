/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libevent's evutil.o can look up host names, which the daemon never does. In a static program
 * these stand in for glibc's, which would bring its whole resolver along: 127 kB on x86-64, and a
 * need for shared libraries of the very same glibc at run time.
 */
#include <netdb.h>
#include <stddef.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **ret_list)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)ret_list;
	return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
	(void)name;
	(void)protocol;
	return NULL;
}

struct protoent *getprotobynumber(int number)
{
	(void)number;
	return NULL;
}
