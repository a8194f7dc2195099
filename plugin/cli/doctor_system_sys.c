/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vb/base/file.h"
#include "vb/base/str.h"

enum { OS_RELEASE_MAX = 64 << 10 };

/* The value of a line like PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" of os-release(5). */
static char *release_value(const char *text, const char *key)
{
	while (text != NULL && *text != '\0') {
		const char *value = vb_str_after(text, key);
		if (value != NULL && *value == '=') {
			value += 1 + (value[1] == '"');
			return strndup(value, strcspn(value, "\"\n"));
		}
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return NULL;
}

static void put_release(json_t *system, const char *text, const char *key, const char *name)
{
	vb_auto_free char *value = release_value(text, key);

	if (value != NULL)
		(void)json_object_set_new(system, name, json_string(value));
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

void vb_doctor_gather_system(json_t *facts)
{
	vb_auto_free char *release = NULL;
	json_t *system = json_object();
	struct utsname kernel;
	size_t size = 0;

	/* A link into /usr/lib on most distributions. */
	if (vb_file_read("/usr/lib/os-release", OS_RELEASE_MAX, &release, &size, NULL) < 0 &&
		vb_file_read("/etc/os-release", OS_RELEASE_MAX, &release, &size, NULL) < 0)
		release = NULL;
	put_release(system, release, "ID", "distribution");
	put_release(system, release, "PRETTY_NAME", "pretty_name");
	(void)json_object_set_new(system, "kind", json_boolean(exists("/kind/version")));
	(void)json_object_set_new(system, "k3s",
		json_boolean(exists("/etc/rancher/k3s") || exists("/run/k3s/containerd")));
	if (uname(&kernel) == 0) {
		(void)json_object_set_new(system, "kernel", json_string(kernel.release));
		(void)json_object_set_new(system, "architecture", json_string(kernel.machine));
	}
	(void)json_object_set_new(facts, "privileged", json_boolean(geteuid() == 0));
	(void)json_object_set_new(facts, "system", system);
}

json_t *vb_doctor_gather(void)
{
	json_t *facts = json_object();

	if (json_object_set_new(facts, "facts_version", json_integer(VB_DOCTOR_FACTS_VERSION)) <
		0) {
		json_decref(facts);
		return NULL;
	}
	vb_doctor_gather_system(facts);
	vb_doctor_gather_containerd(facts);
	vb_doctor_gather_hook(facts);
	vb_doctor_gather_kernel(facts);
	return facts;
}
