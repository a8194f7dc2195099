/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vb/adjust/oci_text.h"
#include "vb/base/str.h"

char *support_quoted(const char *text)
{
	char *quoted = strdup(text);

	ck_assert_ptr_nonnull(quoted);
	for (char *c = quoted; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	return quoted;
}

json_t *support_document(const char *text)
{
	vb_auto_free char *quoted = support_quoted(text);
	json_t *document = NULL;
	struct vb_error err = {0};

	int r = vb_oci_text_parse(quoted, strlen(quoted), &document, &err);
	ck_assert_msg(r == 0, "%s: %s", quoted, err.what);
	return document;
}

char *support_printed(const json_t *document)
{
	char *text = NULL;
	size_t size = 0;
	struct vb_error err = {0};

	int r = vb_oci_text_write(document, &text, &size, &err);
	ck_assert_msg(r == 0, "%s", err.what);
	ck_assert_uint_eq(strlen(text), size);
	return text;
}

void support_assert_prints(const json_t *document, const char *expected)
{
	vb_auto_free char *text = support_printed(document);
	vb_auto_free char *quoted = support_quoted(expected);

	ck_assert_str_eq(text, quoted);
}

struct vb_plan *support_plan(void)
{
	struct vb_plan *plan = vb_plan_create();

	ck_assert_ptr_nonnull(plan);
	plan->namespace_name = strdup("robots");
	plan->pod = strdup("arm-0");
	plan->container = strdup("ctl");
	plan->handler = strdup("vambrace");
	plan->hooked = true;
	return plan;
}

void support_plan_env(struct vb_plan *plan, const char *variable)
{
	ck_assert_int_eq(vb_strv_add(&plan->env, variable), 0);
}

void support_plan_mount(struct vb_plan *plan, const char *destination, const char *type,
	const char *source, const char *options)
{
	struct vb_plan_mount *mount = vb_plan_mounts_add(&plan->mounts, destination, type, source);

	ck_assert_ptr_nonnull(mount);
	while (*options != '\0') {
		size_t length = strcspn(options, ",");
		ck_assert_int_eq(vb_strv_add_n(&mount->options, options, length), 0);
		options += length + (options[length] == ',' ? 1 : 0);
	}
}

void support_assert_refused(int r, const struct vb_error *err, const char *code, const char *words)
{
	ck_assert_int_eq(r, -EPERM);
	ck_assert_msg(vb_str_equal(err->code, code), "%s: %s", err->code, err->what);
	ck_assert_msg(strstr(err->what, words) != NULL, "'%s' lacks '%s'", err->what, words);
	ck_assert_str_ne(err->fix, "");
}

int support_run(TCase *tcase)
{
	Suite *suite = suite_create("oci");

	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
