/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that send to an address without connect. */
#include <stdint.h>
#include <string.h>

#include "raw.h"
#include "vb/shim/interposed.h"
#include "vb/shim/net.h"

enum {
	FAST_OPEN = 0x20000000 /* MSG_FASTOPEN */,
	/* Messages of one sendmmsg that are copied at a time, and that the kernel takes at most. */
	BATCH = 16,
	BATCHES_MAX = 1024 / BATCH /* UIO_MAXIOV */,
};

/*
 * struct msghdr as the kernel, glibc and musl have it. Only the address is looked at; musl's other
 * members are narrower, with the padding in the same place.
 */
struct message {
	const void *name;
	unsigned int name_bytes;
	const void *vectors;
	size_t vector_count;
	const void *control;
	size_t control_bytes;
	int flags;
};

/* struct mmsghdr. */
struct counted_message {
	struct message message;
	unsigned int sent_bytes;
};

_Static_assert(sizeof(struct message) == 56, "the kernel's struct user_msghdr");
_Static_assert(sizeof(struct counted_message) == 64, "the kernel's struct mmsghdr");

/* Is an address given with these flags looked at? A connection is, even where datagrams are not. */
static bool is_watched(const struct vb_shim_policy *policy, int flags)
{
	if ((flags & FAST_OPEN) != 0)
		return policy->connect_gated || policy->connect_audited;
	return policy->datagrams_watched;
}

static struct vb_shim_passage passage(const char *operation, int flags)
{
	return (struct vb_shim_passage){vb_shim_policy_get(), operation,
		(flags & FAST_OPEN) != 0 ? VB_SHIM_USE_FAST_OPEN : VB_SHIM_USE_DATAGRAM};
}

static long sendto_judged(const struct vb_shim_sendto *request)
{
	struct vb_shim_passage gate = passage("sendto", request->flags);
	struct vb_shim_address copy;

	vb_shim_address_copy(&copy, request->address, request->address_bytes);
	if (!vb_shim_net_judge(&gate, &copy, request->address_bytes))
		return vb_shim_fail(-EPERM);
	return request->call(request->fd, request->data, request->bytes, request->flags, copy.bytes,
		request->address_bytes);
}

long vb_shim_net_sendto(const struct vb_shim_sendto *request)
{
	/* Without an address it goes to the connected peer; the kernel refuses these lengths. */
	if (request->address == NULL || !is_watched(vb_shim_policy_get(), request->flags) ||
		request->address_bytes < sizeof(uint16_t) ||
		request->address_bytes > VB_SHIM_ADDRESS_BYTES)
		return request->call(request->fd, request->data, request->bytes, request->flags,
			request->address, request->address_bytes);
	return sendto_judged(request);
}

/*
 * Copies the message's address and points it to the copy. False when there is none, or a length of
 * which the kernel makes an error; it cuts a longer one to the longest there is.
 */
static bool take_address(struct message *message, struct vb_shim_address *ret_address)
{
	if (message->name == NULL || message->name_bytes < sizeof(uint16_t) ||
		message->name_bytes > INT32_MAX)
		return false;
	if (message->name_bytes > VB_SHIM_ADDRESS_BYTES)
		message->name_bytes = VB_SHIM_ADDRESS_BYTES;
	vb_shim_address_copy(ret_address, message->name, message->name_bytes);
	message->name = ret_address->bytes;
	return true;
}

static long sendmsg_judged(vb_shim_sendmsg_function *call, int fd, const void *message, int flags)
{
	struct vb_shim_passage gate = passage("sendmsg", flags);
	struct vb_shim_address address;
	struct message copy;

	memcpy(&copy, message, sizeof(copy));
	if (take_address(&copy, &address) && !vb_shim_net_judge(&gate, &address, copy.name_bytes))
		return vb_shim_fail(-EPERM);
	return call(fd, &copy, flags);
}

long vb_shim_net_sendmsg(vb_shim_sendmsg_function *call, int fd, const void *message, int flags)
{
	if (message == NULL || !is_watched(vb_shim_policy_get(), flags))
		return call(fd, message, flags);
	return sendmsg_judged(call, fd, message, flags);
}

/* Some messages of a sendmmsg, up to the first that is refused. */
struct batch {
	struct counted_message messages[BATCH];
	struct vb_shim_address addresses[BATCH];
	unsigned int count;
	bool refuses;
	struct vb_shim_endpoint refused;
};

static void fill_batch(const struct vb_shim_passage *gate, struct batch *batch,
	const struct counted_message *messages, unsigned int count)
{
	batch->refuses = false;
	for (batch->count = 0; batch->count < count && batch->count < BATCH; batch->count++) {
		struct message *message = &batch->messages[batch->count].message;
		struct vb_shim_address *address = &batch->addresses[batch->count];
		struct vb_shim_endpoint endpoint;

		memcpy(&batch->messages[batch->count], &messages[batch->count], sizeof(*messages));
		if (!take_address(message, address) ||
			!vb_shim_net_read(gate->use, address, message->name_bytes, &endpoint))
			continue;
		if (!vb_shim_net_allows(gate->policy, &endpoint)) {
			batch->refuses = true;
			batch->refused = endpoint;
			return;
		}
		vb_shim_net_report(gate, &endpoint, true);
	}
}

/* Returns how many were sent, or -1 with errno. *ret_over: what comes behind is not to be sent. */
static int send_batch(
	vb_shim_sendmmsg_function *call, int fd, struct batch *batch, int flags, bool *ret_over)
{
	int sent = batch->count > 0 ? call(fd, batch->messages, batch->count, flags) : 0;

	*ret_over = batch->refuses || sent < (int)batch->count;
	return sent;
}

/* As the kernel does it: an error counts only when it hits the first message. */
static int sendmmsg_judged(vb_shim_sendmmsg_function *call, int fd,
	struct counted_message *messages, unsigned int count, int flags)
{
	struct vb_shim_passage gate = passage("sendmsg", flags);
	unsigned int done = 0;
	bool over = false;

	while (!over && done < count) {
		struct batch batch;
		int sent;

		fill_batch(&gate, &batch, messages + done, count - done);
		sent = send_batch(call, fd, &batch, flags, &over);
		for (int i = 0; i < sent; i++)
			messages[done + (unsigned int)i].sent_bytes = batch.messages[i].sent_bytes;
		done += sent > 0 ? (unsigned int)sent : 0;
		/* Reached only when all before it are on their way. */
		if (batch.refuses && sent == (int)batch.count) {
			vb_shim_net_report(&gate, &batch.refused, false);
			if (done == 0)
				return vb_shim_fail(-EPERM);
		}
	}
	return done > 0 ? (int)done : -1;
}

int vb_shim_net_sendmmsg(
	vb_shim_sendmmsg_function *call, int fd, void *messages, unsigned int count, int flags)
{
	if (messages == NULL || count == 0 || !is_watched(vb_shim_policy_get(), flags))
		return call(fd, messages, count, flags);
	if (count > BATCH * BATCHES_MAX)
		count = BATCH * BATCHES_MAX;
	return sendmmsg_judged(call, fd, messages, count, flags);
}

long vb_shim_raw_sendto(int fd, const void *data, size_t bytes, int flags, const void *address,
	unsigned int address_bytes)
{
	return vb_shim_result(
		VB_RAW_6(__NR_sendto, fd, data, bytes, flags, address, address_bytes));
}

long vb_shim_raw_sendmsg(int fd, const void *message, int flags)
{
	return vb_shim_result(VB_RAW_3(__NR_sendmsg, fd, message, flags));
}

int vb_shim_raw_sendmmsg(int fd, void *messages, unsigned int count, int flags)
{
	return (int)vb_shim_result(VB_RAW_4(__NR_sendmmsg, fd, messages, count, flags));
}

long sendto(int fd, const void *data, size_t bytes, int flags, const void *address,
	unsigned int address_bytes)
{
	vb_shim_sendto_function *call = vb_shim_policy_get()->next.sendto;
	struct vb_shim_sendto request = {call != NULL ? call : vb_shim_raw_sendto, fd, data, bytes,
		flags, address, address_bytes};

	return vb_shim_net_sendto(&request);
}

long sendmsg(int fd, const void *message, int flags)
{
	vb_shim_sendmsg_function *call = vb_shim_policy_get()->next.sendmsg;

	return vb_shim_net_sendmsg(call != NULL ? call : vb_shim_raw_sendmsg, fd, message, flags);
}

int sendmmsg(int fd, void *messages, unsigned int count, int flags)
{
	vb_shim_sendmmsg_function *call = vb_shim_policy_get()->next.sendmmsg;

	return vb_shim_net_sendmmsg(
		call != NULL ? call : vb_shim_raw_sendmmsg, fd, messages, count, flags);
}
