// SPDX-License-Identifier: Apache-2.0
// A plugin as those of ROS are: a class, registered when its library is loaded.
#include "plugin.hpp"

#include <class_loader/class_loader.hpp>

class SoftGripper : public Gripper
{
      public:
	std::string close() override
	{
		return "closed softly";
	}
};

CLASS_LOADER_REGISTER_CLASS(SoftGripper, Gripper)
