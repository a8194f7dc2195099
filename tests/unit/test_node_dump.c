/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "node_dump.h"
#include "unit.h"

#define RUNTIMES "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes."
#define GLOBS    "pod_annotations = ['*.vambrace.dev', '*.vambrace.dev/*']\n"
#define BASE                                                                                       \
	"version = 3\nimports = []\n[grpc]\naddress = '/run/c.sock'\n"                             \
	"[plugins.'io.containerd.nri.v1.nri']\ndisable = true\n" RUNTIMES "runc]\n"                \
	"runtime_type = 'io.containerd.runc.v2'\npod_annotations = ['mine']\nsnapshotter = "       \
	"'zfs'\n"                                                                                  \
	"cni_max_conf_num = 0\n" RUNTIMES "runc.options]\nBinaryName = ''\nSystemdCgroup = true\n"
#define NEW_TABLE                                                                                  \
	RUNTIMES "vambrace]\nruntime_type = 'io.containerd.runc.v2'\nsnapshotter = 'zfs'\n" GLOBS
#define NEW_OPTIONS                                                                                \
	RUNTIMES "vambrace.options]\nBinaryName = '/opt/vambrace/bin/vambrace'\n"                  \
		 "SystemdCgroup = true\n"

static struct vb_error err;

static struct vb_node_dump *parse(const char *text)
{
	struct vb_node_dump *dump = NULL;

	ck_assert_msg(vb_node_dump_parse(text, strlen(text), &dump, &err) == 0, "%s", err.what);
	return dump;
}

static int compare(const char *before, const char *after, bool nri, bool imports)
{
	vb_auto_node_dump struct vb_node_dump *old = parse(before);
	vb_auto_node_dump struct vb_node_dump *new = parse(after);
	vb_auto_handlers struct vb_node_handlers handlers = {0};
	const struct vb_node_allowed allowed = {.nri = nri, .imports = imports};
	vb_auto_buf struct vb_buf *out = vb_buf_create(1 << 16);

	ck_assert_int_eq(vb_node_handlers_add(&handlers, "vambrace", NULL), 0);
	return vb_node_dump_compare(old, new, &handlers, &allowed, out);
}

START_TEST(a_handler_inherits_every_option_of_its_base)
{
	static const char expected[] =
		"version = 2\n\n"
		"[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.vambrace]\n"
		"  runtime_type = 'io.containerd.runc.v2'\n"
		"  snapshotter = 'zfs'\n"
		"  pod_annotations = [\"*.vambrace.dev\", \"*.vambrace.dev/*\"]\n"
		"  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.vambrace.options]\n"
		"    SystemdCgroup = true\n"
		"    BinaryName = \"/opt/vambrace/bin/vambrace\"\n";
	vb_auto_node_dump struct vb_node_dump *dump = parse(BASE);
	vb_auto_handlers struct vb_node_handlers handlers = {0};
	vb_auto_buf struct vb_buf *out = vb_buf_create(1 << 16);

	ck_assert_int_eq(vb_node_handlers_add(&handlers, "vambrace=runc", NULL), 0);
	ck_assert_int_eq(vb_node_dump_render(dump, &handlers, 2, true, out, NULL), 0);
	vb_auto_free char *text = vb_buf_strdup(out);
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(what_containerd_does_not_say_of_nri_is_as_it_has_it)
{
	static const struct {
		const char *keys, *plugin_path, *socket_path;
		bool accepts;
	} cases[] = {
		{"disable = false\n", "/opt/nri/plugins", "/var/run/nri/nri.sock", true},
		{"plugin_path = '/p'\nsocket_path = '/s'\ndisable_connections = false\n", "/p",
			"/s", true},
		{"plugin_path = ''\ndisable_connections = true\n", "/opt/nri/plugins",
			"/var/run/nri/nri.sock", false},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		vb_auto_free char *text =
			vb_str_format("[plugins.'io.containerd.nri.v1.nri']\n%s", cases[i].keys);
		vb_auto_node_dump struct vb_node_dump *dump = parse(text);
		vb_auto(vb_node_nri_finish) struct vb_node_nri nri = {0};
		ck_assert_int_eq(vb_node_dump_nri(dump, &nri), 0);
		ck_assert_str_eq(nri.plugin_path, cases[i].plugin_path);
		ck_assert_str_eq(nri.socket_path, cases[i].socket_path);
		ck_assert(nri.accepts_plugins == cases[i].accepts);
	}
}
END_TEST

START_TEST(bases_that_cannot_be_stood_before_are_refused)
{
	static const struct {
		const char *handler, *dump;
		int result;
	} cases[] = {
		{"vambrace=kata", BASE, -ENOENT},
		{"vambrace=kata", RUNTIMES "kata]\nruntime_type = 'io.containerd.kata.v2'\n",
			-EINVAL},
		{"vambrace=runc", BASE NEW_TABLE NEW_OPTIONS, -EEXIST},
		{"other=vambrace", BASE NEW_TABLE NEW_OPTIONS, -EINVAL},
	};

	for (size_t i = 0; i < VB_ARRAY_SIZE(cases); i++) {
		vb_auto_node_dump struct vb_node_dump *dump = parse(cases[i].dump);
		vb_auto_handlers struct vb_node_handlers handlers = {0};
		vb_auto_buf struct vb_buf *out = vb_buf_create(1 << 16);
		ck_assert_int_eq(vb_node_handlers_add(&handlers, cases[i].handler, NULL), 0);
		ck_assert_int_eq(
			vb_node_dump_render(dump, &handlers, 3, false, out, &err), cases[i].result);
	}
}
END_TEST

START_TEST(the_gate_lets_only_the_handler_through)
{
	ck_assert_int_eq(compare(BASE, BASE NEW_TABLE NEW_OPTIONS, false, false), 0);
	ck_assert_int_eq(compare(BASE, BASE NEW_TABLE NEW_OPTIONS "x = 1\n", false, false), 1);
	ck_assert_int_eq(
		compare(BASE, BASE NEW_TABLE NEW_OPTIONS "[debug]\nlevel = 'x'\n", false, false),
		1);
	/* The operator's section has gone. */
	ck_assert_int_ge(
		compare(BASE "[plugins.a]\nb = 1\n", BASE NEW_TABLE NEW_OPTIONS, false, false), 1);
	/* SystemdCgroup is not inherited. */
	ck_assert_int_eq(compare(BASE,
				 BASE NEW_TABLE RUNTIMES "vambrace.options]\nBinaryName = "
							 "'/opt/vambrace/bin/vambrace'\n",
				 false, false),
		1);
	ck_assert_int_eq(compare(BASE,
				 BASE NEW_TABLE RUNTIMES "vambrace.options]\nSystemdCgroup = true\n"
							 "BinaryName = '/opt/vambrace/bin/other'\n",
				 false, false),
		1);
}
END_TEST

START_TEST(imports_and_the_switch_of_nri_are_let_through_only_when_they_are_meant)
{
	static const char imported[] = "imports = ['/a']\n[plugins.'io.containerd.nri.v1.nri']\n"
				       "disable = true\n";
	static const char plain[] = "imports = []\n[plugins.'io.containerd.nri.v1.nri']\n"
				    "disable = true\n";
	static const char on[] = "imports = []\n[plugins.'io.containerd.nri.v1.nri']\n"
				 "disable = false\n";

	ck_assert_int_eq(compare(plain, imported, false, false), 1);
	ck_assert_int_eq(compare(plain, imported, false, true), 0);
	ck_assert_int_eq(compare(plain, on, false, false), 1);
	ck_assert_int_eq(compare(plain, on, true, false), 0);
	ck_assert_int_eq(compare(on, plain, true, false), 1);
}
END_TEST

START_TEST(names_of_handlers_are_labels_and_none_of_our_files)
{
	static const char *const bad[] = {"", "=runc", "a=", "A=runc", "a.b=runc", "-a=runc",
		"a/../b=runc", "runc=runc", "vambrace-oci=runc", "vambrace-nri=runc", "a\n=runc"};
	vb_auto_handlers struct vb_node_handlers handlers = {0};

	for (size_t i = 0; i < VB_ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(vb_node_handlers_add(&handlers, bad[i], &err), -EINVAL);
	ck_assert_int_eq(vb_node_handlers_add(&handlers, "vambrace-nvidia=nvidia", NULL), 0);
	ck_assert_int_eq(vb_node_handlers_add(&handlers, "vambrace-nvidia=nvidia2", NULL), 0);
	ck_assert_uint_eq(handlers.count, 1);
	ck_assert_str_eq(handlers.items[0].base, "nvidia2");
}
END_TEST

/* With version 4 of its configuration, containerd 2.3 says it where a plugin of its own is set. */
START_TEST(the_socket_is_found_wherever_this_containerd_says_it)
{
	static const struct {
		const char *text, *socket;
	} dumps[] = {{BASE, "/run/c.sock"},
		{"version = 4\n[plugins]\n  [plugins.'io.containerd.server.v1.grpc']\n"
		 "    address = '/run/4.sock'\n"
		 "  [plugins.'io.containerd.server.v1.ttrpc']\n    address = '/run/4.ttrpc'\n",
			"/run/4.sock"},
		{"[grpc]\naddress = ''\n[plugins.'io.containerd.server.v1.grpc']\n"
		 "address = '/run/4.sock'\n",
			"/run/4.sock"},
		{"address = '/run/other.sock'\n[debug]\naddress = '/run/debug.sock'\n", ""}};

	for (size_t i = 0; i < VB_ARRAY_SIZE(dumps); i++) {
		vb_auto_node_dump struct vb_node_dump *dump = parse(dumps[i].text);
		vb_auto_free char *socket = vb_node_dump_socket(dump);
		ck_assert_str_eq(socket, dumps[i].socket);
	}
}
END_TEST

/* As containerd 1.7 does with its built-in runc when the file names another one alone. */
START_TEST(a_handler_that_would_be_lost_is_written_with_all_that_it_has)
{
	vb_auto_node_dump struct vb_node_dump *before = parse(BASE);
	vb_auto_node_dump struct vb_node_dump *after = parse("version = 2\n");
	vb_auto_buf struct vb_buf *text = vb_buf_create(1 << 16);
	vb_auto_buf struct vb_buf *differences = vb_buf_create(1 << 16);
	const struct vb_node_handlers none = {.count = 0};
	const struct vb_node_allowed allowed = {.imports = true};
	vb_auto_strv struct vb_strv names = {0};

	ck_assert_int_eq(vb_node_dump_lost(before, before, &names), 0);
	ck_assert_uint_eq(names.count, 0);
	ck_assert_int_eq(vb_node_dump_lost(before, after, &names), 0);
	ck_assert(vb_strv_contains(&names, "runc"));
	ck_assert_int_eq(vb_node_dump_render_kept(before, &names, 3, text), 0);
	vb_auto_free char *lines = vb_buf_strdup(text);
	vb_auto_node_dump struct vb_node_dump *kept = parse(lines);
	/* Nothing is new in it, and of the handlers nothing is lacking. */
	ck_assert_int_ge(vb_node_dump_compare(before, kept, &none, &allowed, differences), 0);
	vb_auto_free char *lacking = vb_buf_strdup(differences);
	ck_assert_ptr_null(strstr(lacking, "+ "));
	ck_assert_ptr_null(strstr(lacking, "/runtimes/"));
}
END_TEST

/* containerd 1.7 puts them together from a map. */
START_TEST(the_order_of_the_imports_means_nothing)
{
	static const struct {
		const char *before, *after;
		int refused;
	} lists[] = {{"imports = [\"/a\", \"/b\"]\n", "imports = [\"/b\", \"/a\"]\n", 0},
		{"imports = [\"/a\", \"/b\"]\n", "imports = [\"/a\", \"/c\"]\n", 1},
		{"imports = [\"/a\"]\n", "imports = [\"/a\", \"/b\"]\n", 1},
		{"disabled_plugins = [\"a\", \"b\"]\n", "disabled_plugins = [\"b\", \"a\"]\n", 1}};
	const struct vb_node_handlers none = {.count = 0};
	const struct vb_node_allowed nothing = {.imports = false};

	for (size_t i = 0; i < VB_ARRAY_SIZE(lists); i++) {
		vb_auto_node_dump struct vb_node_dump *before = parse(lists[i].before);
		vb_auto_node_dump struct vb_node_dump *after = parse(lists[i].after);
		vb_auto_buf struct vb_buf *out = vb_buf_create(1 << 16);
		ck_assert_int_eq(vb_node_dump_compare(before, after, &none, &nothing, out),
			lists[i].refused);
	}
}
END_TEST

START_TEST(values_are_found_by_their_table)
{
	vb_auto_node_dump struct vb_node_dump *dump = parse(BASE);

	ck_assert(!vb_node_dump_has_nri(dump));
	ck_assert(vb_node_dump_has_handler(dump, "runc"));
	ck_assert(!vb_node_dump_has_handler(dump, "vambrace"));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("node_dump");

	tcase_add_test(tests, a_handler_inherits_every_option_of_its_base);
	tcase_add_test(tests, what_containerd_does_not_say_of_nri_is_as_it_has_it);
	tcase_add_test(tests, bases_that_cannot_be_stood_before_are_refused);
	tcase_add_test(tests, the_gate_lets_only_the_handler_through);
	tcase_add_test(
		tests, imports_and_the_switch_of_nri_are_let_through_only_when_they_are_meant);
	tcase_add_test(tests, names_of_handlers_are_labels_and_none_of_our_files);
	tcase_add_test(tests, the_socket_is_found_wherever_this_containerd_says_it);
	tcase_add_test(tests, a_handler_that_would_be_lost_is_written_with_all_that_it_has);
	tcase_add_test(tests, the_order_of_the_imports_means_nothing);
	tcase_add_test(tests, values_are_found_by_their_table);
	return vb_unit_run("node_dump", tests);
}
