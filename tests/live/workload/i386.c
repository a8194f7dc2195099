/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 32-bit program without any library (gcc -m32 needs none for it). Makes some system calls of
 * the i386 ABI and prints a line for each, `NAME ok` or `NAME <errno>`.
 */

enum {
	EXIT = 1,
	WRITE = 4,
	GETPID = 20,
	MOUNT = 21,
	UMOUNT = 22,
	PTRACE = 26,
	SOCKETCALL = 102,
	SOCKETCALL_SOCKET = 1,
	AF_INET = 2,
	SOCK_DGRAM = 2,
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
	long socket[] = {AF_INET, SOCK_DGRAM, 0};

	report("getpid", call(GETPID, 0, 0, 0));
	report("mount", call(MOUNT, -1, -1, -1));
	report("umount", call(UMOUNT, -1, 0, 0));
	report("ptrace", call(PTRACE, -1, -1, -1));
	report("socketcall", call(SOCKETCALL, SOCKETCALL_SOCKET, (int)socket, 0));
	call(EXIT, 0, 0, 0);
}
