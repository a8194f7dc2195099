/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node_plan.h"
#include "vb/base/file.h"

#define DROP_IN_HEAD                                                                               \
	"# Written by 'vambrace node install'; 'vambrace node uninstall' takes it away.\n"
#define TEMPLATE_HEAD "{{ template \"base\" . }}\n\n"
#define NRI_TABLE     "\n[plugins.\"io.containerd.nri.v1.nri\"]\n  disable = false\n"

enum { TEXT_MAX = 2 * VB_NODE_EDIT_MAX, DIFFERENCES_MAX = 2 << 20 };

void vb_node_plan_finish(struct vb_node_plan *plan)
{
	vb_node_file_finish(&plan->file);
	vb_buf_destroy(plan->now);
	vb_buf_destroy(plan->without);
	vb_buf_destroy(plan->with);
	vb_buf_destroy(plan->differences);
	free(plan->socket);
	vb_node_nri_finish(&plan->nri);
	*plan = (struct vb_node_plan){0};
}

/* A new buffer with the file's text; empty when there is no file. */
static int read_text(
	const char *path, struct vb_buf **ret_text, bool *ret_is_there, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *text = vb_buf_create(TEXT_MAX);
	vb_auto_free char *data = NULL;
	size_t size = 0;

	if (text == NULL)
		return vb_error_set(err, ENOMEM, "read '%s'", path);
	int r = vb_file_read(path, VB_NODE_EDIT_MAX, &data, &size, err);
	if (r == -ELOOP)
		return vb_error_fix(err, "it is a symbolic link, which would be replaced: put the "
					 "file itself there");
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && vb_buf_append(text, data, size) < 0)
		return vb_error_set(err, ENOMEM, "read '%s'", path);
	*ret_is_there = r == 0;
	*ret_text = VB_STEAL(text);
	return 0;
}

/* A template of ours has nothing before the block but the line that takes k3s' own; see
 * write_texts(). */
static bool is_only_head(const struct vb_node_plan *plan)
{
	return !plan->file.was_there && vb_buf_size(plan->without) == strlen(TEMPLATE_HEAD) &&
	       memcmp(vb_buf_data(plan->without), TEMPLATE_HEAD, strlen(TEMPLATE_HEAD)) == 0;
}

static int strip(const struct vb_buf *text, struct vb_buf **ret_without, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *without = vb_buf_create(TEXT_MAX);

	if (without == NULL)
		return vb_error_set(err, ENOMEM, "edit the configuration");
	int r = vb_node_edit_strip(
		(const char *)vb_buf_data(text), vb_buf_size(text), without, err);
	if (r < 0)
		return r;
	*ret_without = VB_STEAL(without);
	return 0;
}

/* containerd's root file, without what is ours in it. */
struct root {
	struct vb_buf *text;
	struct vb_node_edit_facts facts;
};

static void finish_root(struct root *root)
{
	vb_buf_destroy(root->text);
	vb_node_edit_facts_finish(&root->facts);
}

static int check_version(
	const struct vb_node_host *host, struct vb_node_edit_facts *facts, struct vb_error *err)
{
	if (facts->version == 0 && facts->is_blank)
		facts->version = vb_node_is_at_least(host, 2, 0) ? 3 : 2;
	if (facts->version >= 2)
		return 0;
	(void)vb_error_say(err, EINVAL,
		"'%s' has no line `version = 2` or above: it is read as version 1", host->config);
	return vb_error_fix(err, "rewrite it: containerd --config %s config migrate", host->config);
}

static int read_root(const struct vb_node_host *host, struct root *root, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *now = NULL;
	bool is_there = false;

	int r = read_text(host->config, &now, &is_there, err);
	if (r == 0)
		r = strip(now, &root->text, err);
	if (r < 0)
		return vb_error_wrap(err, "'%s'", host->config);
	vb_auto_free char *text = vb_buf_strdup(root->text);
	if (text == NULL)
		return vb_error_set(err, ENOMEM, "read '%s'", host->config);
	r = vb_node_edit_look(text, vb_buf_size(root->text), &root->facts, err);
	return r < 0 ? vb_error_wrap(err, "'%s'", host->config) : 0;
}

/* Before anything is made. */
static int note_what_is_there(struct vb_node_plan *plan, struct vb_error *err)
{
	vb_auto_free char *directory = vb_path_parent(plan->file.path);

	plan->file.was_there = plan->is_there;
	if (directory == NULL || vb_node_find_missing(directory, &plan->file.made) < 0)
		return vb_error_set(err, ENOMEM, "choose the file for the handlers");
	return 0;
}

/* The file that an install before this one has chosen stays. */
static int choose(const struct vb_node_host *host, const struct vb_node_state *state,
	const struct vb_node_edit_facts *facts, struct vb_node_plan *plan, struct vb_error *err)
{
	int r = 0;

	if (state->file.path == NULL)
		r = vb_node_choose_file(
			host->config, facts, vb_node_is_at_least(host, 2, 1), &plan->file);
	else
		r = vb_node_file_copy(&state->file, &plan->file);
	if (r < 0)
		return vb_error_set(err, -r, "choose the file for the handlers");
	if (plan->file.kind == VB_NODE_ROOT_FILE && strcmp(plan->file.path, host->config) != 0)
		return vb_error_say(err, EINVAL,
			"the handlers are in '%s', but containerd reads '%s' now: uninstall first",
			plan->file.path, host->config);
	r = read_text(plan->file.path, &plan->now, &plan->is_there, err);
	if (r == 0 && state->file.path == NULL)
		r = note_what_is_there(plan, err);
	if (r < 0)
		return r;
	if (plan->file.kind != VB_NODE_DROP_IN) {
		r = strip(plan->now, &plan->without, err);
		if (r == 0 && plan->file.kind == VB_NODE_TEMPLATE && is_only_head(plan))
			vb_buf_consume(plan->without, vb_buf_size(plan->without));
		return r;
	}
	if (state->file.path == NULL && plan->is_there)
		return vb_error_say(err, EEXIST, "'%s' is there already", plan->file.path);
	plan->without = vb_buf_create(TEXT_MAX);
	return plan->without != NULL ? 0 : vb_error_set(err, ENOMEM, "edit the configuration");
}

static int find_runtimes(const struct vb_node_host *host, const struct vb_node_dump *dump,
	struct vb_node_handlers *handlers, struct vb_error *err)
{
	for (size_t i = 0; i < handlers->count; i++) {
		struct vb_node_handler *handler = &handlers->items[i];
		vb_auto_free char *binary = vb_node_dump_binary(dump, handler->base);
		if (binary == NULL)
			return vb_error_set(err, ENOMEM, "find the runtimes");
		free(VB_STEAL(handler->runtime));
		int r = vb_node_find_program(
			host, *binary != '\0' ? binary : "runc", &handler->runtime, err);
		if (r < 0)
			return vb_error_wrap(err, "handler '%s'", handler->base);
	}
	return 0;
}

/* The dump without us. A drop-in counts as gone when it holds nothing but its version. */
static int dump_before(const struct vb_node_host *host, const struct root *root,
	const struct vb_node_file *file, struct vb_node_dump **ret_dump, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *nothing = vb_buf_create(64);

	if (nothing == NULL || vb_buf_printf(nothing, "version = %ld\n", root->facts.version) < 0)
		return vb_error_set(err, ENOMEM, "ask containerd");
	if (file->kind == VB_NODE_DROP_IN)
		return vb_node_dump_staged(host, file->path, nothing, ret_dump, err);
	return vb_node_dump_staged(
		host, host->config, root->facts.is_blank ? nothing : root->text, ret_dump, err);
}

/* What goes into the file, and what containerd's root file is with it. */
static int write_texts(const struct vb_node_plan *plan, const struct root *root, const char *block,
	bool nri, struct vb_buf *staged, struct vb_error *err)
{
	vb_auto_free char *text = vb_buf_strdup(plan->without);
	vb_auto_free char *whole = vb_str_format("%s%s", block, nri ? NRI_TABLE : "");
	int r;

	if (text == NULL || whole == NULL)
		return vb_error_set(err, ENOMEM, "edit the configuration");
	if (plan->file.kind == VB_NODE_DROP_IN) {
		r = vb_buf_printf(
			plan->with, DROP_IN_HEAD "version = %ld\n\n%s", root->facts.version, block);
		return r < 0 ? vb_error_set(err, -r, "edit the configuration") : 0;
	}
	if (plan->file.kind == VB_NODE_ROOT_FILE)
		return vb_node_edit_add(
			text, vb_buf_size(plan->without), block, nri, plan->with, err);
	if (nri && root->facts.has_nri)
		return vb_error_say(
			err, EPERM, "NRI is switched off where this installer cannot switch it");
	/* Outside of the marks, which stand in the file that k3s makes of it as well. */
	bool is_ours = !plan->file.was_there && vb_buf_size(plan->without) == 0;
	r = vb_node_edit_append(is_ours ? TEMPLATE_HEAD : text,
		is_ours ? strlen(TEMPLATE_HEAD) : vb_buf_size(plan->without), whole, plan->with,
		err);
	vb_auto_free char *generated = vb_buf_strdup(root->text);
	if (r == 0 && generated == NULL)
		r = vb_error_set(err, ENOMEM, "edit the configuration");
	return r < 0 ? r
		     : vb_node_edit_add(
			       generated, vb_buf_size(root->text), block, nri, staged, err);
}

/* containerd's view with the texts that have been written. */
static int dump_after(const struct vb_node_host *host, const struct vb_node_plan *plan,
	const struct vb_buf *staged, struct vb_node_dump **ret_dump, struct vb_error *err)
{
	bool is_template = plan->file.kind == VB_NODE_TEMPLATE;

	int r = vb_node_dump_staged(host, is_template ? host->config : plan->file.path,
		is_template ? staged : plan->with, ret_dump, err);
	return r < 0 ? vb_error_wrap(err, "with the handlers") : 0;
}

/* What is written, and then judged. */
struct edit {
	const struct vb_node_host *host;
	const struct root *root;
	const struct vb_node_handlers *handlers;
	const struct vb_node_dump *before;
	struct vb_strv kept; /* handlers that containerd would forget */
};

static void finish_edit(struct edit *edit)
{
	vb_strv_finish(&edit->kept);
}

static int write_block(const struct edit *edit, const struct vb_node_plan *plan, char **ret_lines,
	struct vb_error *err)
{
	vb_auto_buf struct vb_buf *block = vb_buf_create(TEXT_MAX);
	const struct vb_node_edit_facts *facts = &edit->root->facts;
	bool with_version = facts->is_blank && plan->file.kind == VB_NODE_ROOT_FILE;

	if (block == NULL)
		return vb_error_set(err, ENOMEM, "edit the configuration");
	int r = vb_node_dump_render(
		edit->before, edit->handlers, facts->version, with_version, block, err);
	if (r < 0)
		return r;
	r = vb_node_dump_render_kept(edit->before, &edit->kept, facts->version, block);
	*ret_lines = r == 0 ? vb_buf_strdup(block) : NULL;
	return *ret_lines != NULL ? 0 : vb_error_set(err, ENOMEM, "edit the configuration");
}

static int try_edit(const struct edit *edit, struct vb_node_plan *plan,
	struct vb_node_dump **ret_after, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *staged = vb_buf_create(TEXT_MAX);
	vb_auto_free char *lines = NULL;

	vb_buf_destroy(plan->with);
	plan->with = vb_buf_create(TEXT_MAX);
	if (staged == NULL || plan->with == NULL)
		return vb_error_set(err, ENOMEM, "edit the configuration");
	int r = write_block(edit, plan, &lines, err);
	if (r == 0)
		r = write_texts(plan, edit->root, lines, plan->switches_nri, staged, err);
	return r < 0 ? r : dump_after(edit->host, plan, staged, ret_after, err);
}

/* The second time with what the first has shown to be lost. */
static int judge_edit(struct edit *edit, struct vb_node_plan *plan, struct vb_error *err)
{
	const struct vb_node_allowed allowed = {
		.nri = plan->switches_nri, .imports = plan->file.kind == VB_NODE_DROP_IN};
	vb_auto_node_dump struct vb_node_dump *after = NULL;

	int r = try_edit(edit, plan, &after, err);
	if (r == 0 && vb_node_dump_lost(edit->before, after, &edit->kept) < 0)
		r = vb_error_set(err, ENOMEM, "edit the configuration");
	if (r == 0 && edit->kept.count > 0) {
		vb_node_dump_destroy(VB_STEAL(after));
		r = try_edit(edit, plan, &after, err);
	}
	if (r < 0)
		return r;
	plan->refused = vb_node_dump_compare(
		edit->before, after, edit->handlers, &allowed, plan->differences);
	return plan->refused < 0 ? vb_error_set(err, -plan->refused, "compare") : 0;
}

static int decide_edit(const struct vb_node_host *host, const struct root *root,
	struct vb_node_handlers *handlers, struct vb_node_plan *plan, struct vb_error *err)
{
	vb_auto_node_dump struct vb_node_dump *before = NULL;

	plan->differences = vb_buf_create(DIFFERENCES_MAX);
	if (plan->differences == NULL)
		return vb_error_set(err, ENOMEM, "edit the configuration");
	int r = dump_before(host, root, &plan->file, &before, err);
	if (r < 0)
		return r;
	plan->socket = host->address != NULL ? strdup(host->address) : vb_node_dump_socket(before);
	if (plan->socket == NULL || vb_node_dump_nri(before, &plan->nri) < 0)
		return vb_error_set(err, ENOMEM, "look for containerd's sockets");
	if (*plan->socket == '\0') {
		(void)vb_error_say(err, EINVAL, "`containerd config dump` does not say its socket");
		return vb_error_fix(err, "name it: --address SOCKET");
	}
	/* To take them away neither their bases nor NRI need be there any more. */
	if (handlers == NULL)
		return 0;
	plan->switches_nri = !vb_node_dump_has_nri(before);
	if (plan->switches_nri && vb_node_is_at_least(host, 2, 0)) {
		(void)vb_error_say(err, EPERM, "NRI is switched off in containerd's configuration");
		return vb_error_fix(
			err, "set `disable = false` in [plugins.\"io.containerd.nri.v1.nri\"]");
	}
	vb_auto(finish_edit) struct edit edit = {
		.host = host, .root = root, .handlers = handlers, .before = before};
	r = find_runtimes(host, before, handlers, err);
	return r == 0 ? judge_edit(&edit, plan, err) : r;
}

int vb_node_plan_make(const struct vb_node_host *host, const struct vb_node_state *state,
	struct vb_node_handlers *handlers, struct vb_node_plan *ret_plan, struct vb_error *err)
{
	vb_auto(finish_root) struct root root = {0};
	vb_auto_node_plan struct vb_node_plan plan = {0};

	int r = read_root(host, &root, err);
	if (r == 0)
		r = check_version(host, &root.facts, err);
	if (r == 0)
		r = choose(host, state, &root.facts, &plan, err);
	if (r == 0)
		r = decide_edit(host, &root, handlers, &plan, err);
	if (r < 0)
		return r;
	*ret_plan = plan;
	plan = (struct vb_node_plan){0};
	return 0;
}

static bool is_same(const struct vb_buf *a, const struct vb_buf *b)
{
	return vb_buf_size(a) == vb_buf_size(b) &&
	       memcmp(vb_buf_data(a), vb_buf_data(b), vb_buf_size(a)) == 0;
}

/* Taken away for good before what it leads to is. */
static int remove_file(const struct vb_node_plan *plan, const char *directory, struct vb_error *err)
{
	if (unlink(plan->file.path) < 0 && errno != ENOENT)
		return vb_error_set(err, errno, "remove '%s'", plan->file.path);
	int r = vb_file_sync_directory(directory);
	vb_node_remove_made(directory, plan->file.made);
	return r < 0 && r != -ENOENT ? vb_error_set(err, -r, "sync '%s'", directory) : 0;
}

static int put_text(
	const struct vb_node_plan *plan, const struct vb_buf *text, struct vb_error *err)
{
	const char *path = plan->file.path;
	vb_auto_free char *directory = vb_path_parent(path);
	struct stat st;

	if (directory == NULL)
		return vb_error_set(err, ENOMEM, "write '%s'", path);
	if (!plan->file.was_there && vb_buf_size(text) == 0)
		return remove_file(plan, directory, err);
	if (lstat(path, &st) == 0)
		return vb_file_rewrite(
			path, vb_buf_data(text), vb_buf_size(text), VB_FILE_DURABLE, err);
	int r = vb_file_make_directories(directory, err);
	return r < 0 ? r : vb_file_replace(path, vb_buf_data(text), vb_buf_size(text), 0644, err);
}

static int fail_changed(const struct vb_node_plan *plan, struct vb_error *err)
{
	(void)vb_error_say(
		err, EAGAIN, "'%s' was changed by somebody else meanwhile", plan->file.path);
	return vb_error_fix(err, "do it again when nobody else is at work on it");
}

int vb_node_plan_write(struct vb_node_plan *plan, const struct vb_buf *text, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *has = NULL;
	bool is_there = false;

	int r = read_text(plan->file.path, &has, &is_there, err);
	if (r < 0)
		return r;
	if (is_there != plan->is_there || !is_same(has, plan->now))
		return fail_changed(plan, err);
	plan->is_written = true;
	return put_text(plan, text, err);
}

int vb_node_plan_restore(
	struct vb_node_plan *plan, const struct vb_buf *written, struct vb_error *err)
{
	vb_auto_buf struct vb_buf *has = NULL;
	bool is_there = false;

	if (!plan->is_written)
		return 0;
	int r = read_text(plan->file.path, &has, &is_there, err);
	if (r < 0)
		return r;
	if (is_there == plan->is_there && is_same(has, plan->now))
		return 0;
	return is_same(has, written) ? put_text(plan, plan->now, err) : fail_changed(plan, err);
}
