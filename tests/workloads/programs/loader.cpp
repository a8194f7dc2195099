// SPDX-License-Identifier: Apache-2.0
// Makes an object of a class in a plugin, by ROS's class_loader. The argument is the library.
#include "plugin.hpp"

#include <class_loader/class_loader.hpp>
#include <iostream>

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	try {
		class_loader::ClassLoader loader(argv[1]);
		for (const auto &name : loader.getAvailableClasses<Gripper>())
			std::cout << name << ": " << loader.createInstance<Gripper>(name)->close()
				  << std::endl;
	} catch (const std::exception &failure) {
		std::cout << "cannot load: " << failure.what() << std::endl;
		return 1;
	}
	return 0;
}
