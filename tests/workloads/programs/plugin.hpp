// SPDX-License-Identifier: Apache-2.0
#ifndef VB_TESTS_WORKLOADS_PLUGIN_HPP
#define VB_TESTS_WORKLOADS_PLUGIN_HPP

#include <string>

// What the plugin's class does.
class Gripper
{
      public:
	virtual ~Gripper() = default;
	virtual std::string close() = 0;
};

#endif
