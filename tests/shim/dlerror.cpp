// SPDX-License-Identifier: Apache-2.0
// A caller like those of class loaders: it makes a string of dlerror() without asking whether there
// is one, which ends the program when there is none.
#include <dlfcn.h>

#include <iostream>
#include <string>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (dlopen(argv[i], RTLD_LAZY) == nullptr)
			std::cout << "dlerror=" << std::string(dlerror()) << "\n";
	}
	return 0;
}
