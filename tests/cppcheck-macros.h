/* SPDX-License-Identifier: Apache-2.0 */
/* The macros of jansson that look like statements; cppcheck does not read the system's headers. */
#define json_array_foreach(array, i, value)                                                        \
	for ((i) = 0; ((value) = json_array_get((array), (i))) != NULL; (i)++)
#define json_object_foreach(object, key, value)                                                    \
	for ((key) = next_key(object); ((value) = json_object_get((object), (key))) != NULL;)
