/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 32-bit program without any library (gcc -m32 needs none for it), for kernels of x86-64 and of
 * arm64. Makes some system calls of the 32-bit ABI and prints a line for each, `NAME ok` or
 * `NAME <errno>`.
 */

enum {
	EXIT = 1,
	WRITE = 4,
	GETPID = 20,
	MOUNT = 21,
	PTRACE = 26,
	AF_INET = 2,
	SOCK_DGRAM = 2,
};

#if defined(__i386__)
enum {
	UMOUNT = 22,
	SOCKETCALL = 102,
	SOCKETCALL_SOCKET = 1,
};

static int call(int number, int a, int b, int c)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return result;
}
#elif defined(__arm__)
enum {
	UMOUNT2 = 52,
	SOCKET = 281,
};

static int call(int number, int a, int b, int c)
{
	register int which __asm__("r7") = number;
	register int first __asm__("r0") = a;
	register int second __asm__("r1") = b;
	register int third __asm__("r2") = c;

	__asm__ volatile("svc #0" : "+r"(first) : "r"(which), "r"(second), "r"(third) : "memory");
	return first;
}
#else
#error "the way into the kernel is written for i386 and arm"
#endif

static void print(const char *text)
{
	int length = 0;

	while (text[length] != '\0')
		length++;
	call(WRITE, 1, (int)text, length);
}

static void report(const char *name, int result)
{
	char digits[] = "000\n";

	print(name);
	if (result >= 0) {
		print(" ok\n");
		return;
	}
	digits[0] = (char)('0' + -result / 100 % 10);
	digits[1] = (char)('0' + -result / 10 % 10);
	digits[2] = (char)('0' + -result % 10);
	print(" ");
	print(digits);
}

void _start(void)
{
	report("getpid", call(GETPID, 0, 0, 0));
	report("mount", call(MOUNT, -1, -1, -1));
	report("ptrace", call(PTRACE, -1, -1, -1));
#if defined(__i386__)
	long socket[] = {AF_INET, SOCK_DGRAM, 0};

	report("umount", call(UMOUNT, -1, 0, 0));
	report("socketcall", call(SOCKETCALL, SOCKETCALL_SOCKET, (int)socket, 0));
#else
	report("umount2", call(UMOUNT2, -1, 0, 0));
	report("socket", call(SOCKET, AF_INET, SOCK_DGRAM, 0));
#endif
	call(EXIT, 0, 0, 0);
}
