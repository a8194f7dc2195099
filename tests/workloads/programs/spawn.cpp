// SPDX-License-Identifier: Apache-2.0
// Starts a program by each of the two ways that C++ has, and says what became of it.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

int main()
{
	int status = std::system("/bin/echo by system");
	std::printf("system %d %s\n", status, status == -1 ? std::strerror(errno) : "");

	FILE *pipe = popen("/bin/echo by popen", "r");
	if (pipe == nullptr) {
		std::printf("popen %s\n", std::strerror(errno));
		return 0;
	}
	char line[64] = "";
	const char *text = std::fgets(line, sizeof(line), pipe);
	std::printf("popen %d %s", pclose(pipe), text != nullptr ? text : "nothing\n");
	return 0;
}
