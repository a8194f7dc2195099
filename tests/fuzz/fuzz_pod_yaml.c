/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest all the way: YAML or JSON, its pods, the decision on each container, the report. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "explain.h"
#include "pod.h"
#include "pod_yaml.h"
#include "vb/adjust/json.h"

enum { REPORT_MAX = 64 << 20 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Every error is of the three kinds, says something, and says where. */
static void check_error(int r, const struct vb_error *err)
{
	require(r == -EINVAL || r == -ENOMEM || r == -EFBIG);
	require(strncmp(err->what, "fuzz:", 5) == 0);
	require(err->what[5] != '\0');
}

static void check_name(const char *name)
{
	require(name != NULL && name[0] != '\0');
	require(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.*")] == '\0');
}

static void explain(const struct vb_pod *pod, const struct vb_pod_container *container,
	const struct vb_stores *stores, struct vb_buf *out)
{
	vb_auto_config struct vb_config config = {0};
	vb_auto_explained struct vb_explained explained = {0};
	struct vb_error err = {0};

	check_name(container->name);
	require(vb_config_init(&config) == 0);
	require(vb_explain_container(pod, container, &config, stores, &explained, &err) == 0);
	require((explained.verdict == VB_VERDICT_PLANNED) == (explained.plan != NULL));
	require((explained.verdict == VB_VERDICT_REFUSED) == (explained.line[0] != '\0'));
	require(vb_explain_text_container(&explained, out) == 0);
	vb_auto_json json_t *json = vb_explain_json_container(&explained);
	require(json != NULL);
}

static void explain_all(const struct vb_pod_list *pods)
{
	/* Without directories no bundle is found, and nothing touches the disk. */
	const struct vb_strv directories = {0};
	const struct vb_explain_setting setting = {.input = "fuzz"};
	vb_auto_bundle_store struct vb_bundle_store *bundles = vb_bundle_store_create(&directories);
	vb_auto_profile_store struct vb_profile_store *profiles = vb_profile_store_create();
	const struct vb_stores stores = {.bundles = bundles, .profiles = profiles};
	vb_auto_buf struct vb_buf *out = vb_buf_create(REPORT_MAX);

	require(bundles != NULL && profiles != NULL && out != NULL);
	for (size_t i = 0; i < pods->count; i++) {
		const struct vb_pod *pod = &pods->items[i];
		check_name(pod->name);
		check_name(pod->pod_name);
		require(pod->container_count > 0);
		require(pod->line <= VB_YAML_SIZE_MAX);
		require(vb_explain_text_pod(&setting, pod, out) == 0);
		for (size_t j = 0; j < pod->container_count; j++)
			explain(pod, &pod->containers[j], &stores, out);
	}
	/* The report is text for a terminal: no control character but the end of a line. */
	for (size_t i = 0; i < vb_buf_size(out); i++)
		require(vb_buf_data(out)[i] >= ' ' || vb_buf_data(out)[i] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vb_auto_yaml struct vb_yaml *yaml = NULL;
	vb_auto_pod_list struct vb_pod_list pods = {0};
	struct vb_error err = {0};

	int r = vb_yaml_parse("fuzz", (const char *)data, size, &yaml, &err);
	if (r == 0)
		r = vb_pod_list_read(yaml, "default", &pods, &err);
	if (r < 0)
		check_error(r, &err);
	else
		explain_all(&pods);
	return 0;
}
