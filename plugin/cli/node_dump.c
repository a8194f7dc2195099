/* SPDX-License-Identifier: Apache-2.0 */
#include "node_dump.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "toml_dump.h"

#define NRI_PLUGIN "io.containerd.nri.v1.nri"
#define CRI_V2     "io.containerd.grpc.v1.cri"
#define CRI_V3     "io.containerd.cri.v1.runtime"
#define GRPC_V4    "io.containerd.server.v1.grpc"
#define GLOBS      "[\"*.vambrace.dev\", \"*.vambrace.dev/*\"]"
#define BIN        "/opt/vambrace/bin/"

/* plugins, the plugin, containerd, runtimes, the handler */
enum { HANDLER_DEPTH = 5, KEYS_MAX = 16 << 10 };

struct entry {
	struct vb_strv table;
	char *key;
	char *value;
};

struct vb_node_dump {
	struct entry *items;
	size_t count;
};

static void finish_handler(struct vb_node_handler *handler)
{
	free(handler->name);
	free(handler->base);
	free(handler->runtime);
	*handler = (struct vb_node_handler){0};
}

void vb_node_handlers_finish(struct vb_node_handlers *handlers)
{
	for (size_t i = 0; i < handlers->count; i++)
		finish_handler(&handlers->items[i]);
	handlers->count = 0;
}

static struct vb_node_handler *find_handler(struct vb_node_handlers *handlers, const char *name)
{
	for (size_t i = 0; i < handlers->count; i++)
		if (strcmp(handlers->items[i].name, name) == 0)
			return &handlers->items[i];
	return NULL;
}

const struct vb_node_handler *vb_node_handlers_find(
	const struct vb_node_handlers *handlers, const char *name)
{
	for (size_t i = 0; i < handlers->count; i++)
		if (strcmp(handlers->items[i].name, name) == 0)
			return &handlers->items[i];
	return NULL;
}

/* What is a file of ours under bin/ cannot be a handler's link there. */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && name[0] != '-' &&
	       name[length - 1] != '-' && strcmp(name, "vambrace-oci") != 0 &&
	       strcmp(name, "vambrace-nri") != 0;
}

int vb_node_handlers_add(struct vb_node_handlers *handlers, const char *text, struct vb_error *err)
{
	const char *equals = strchr(text, '=');
	const char *base = equals != NULL ? equals + 1 : "runc";
	vb_auto_free char *name = strndup(text, strcspn(text, "="));
	vb_auto_free char *copy = strdup(base);

	if (name == NULL || copy == NULL)
		return vb_error_set(err, ENOMEM, "read the handlers");
	if (!is_name(name) || *base == '\0' || strcmp(name, base) == 0)
		return vb_error_say(err, EINVAL,
			"'%.128s' is no handler: NAME=BASE, NAME of a-z, 0-9 and '-'", text);
	struct vb_node_handler *handler = find_handler(handlers, name);
	if (handler == NULL && handlers->count == VB_NODE_HANDLERS_MAX)
		return vb_error_say(
			err, EINVAL, "more than %d handlers", (int)VB_NODE_HANDLERS_MAX);
	if (handler == NULL)
		handler = &handlers->items[handlers->count++];
	finish_handler(handler);
	handler->name = VB_STEAL(name);
	handler->base = VB_STEAL(copy);
	return 0;
}

static int take_key(const struct vb_strv *table, const char *key, const char *value, void *context)
{
	struct vb_node_dump *dump = context;

	if (dump->count == KEYS_MAX)
		return -EINVAL;
	struct entry *grown = reallocarray(dump->items, dump->count + 1, sizeof(*dump->items));
	if (grown == NULL)
		return -ENOMEM;
	dump->items = grown;
	struct entry *entry = &dump->items[dump->count++];
	*entry = (struct entry){.key = strdup(key), .value = strdup(value)};
	if (entry->key == NULL || entry->value == NULL)
		return -ENOMEM;
	return vb_strv_copy(&entry->table, table);
}

int vb_node_dump_parse(
	const char *text, size_t size, struct vb_node_dump **ret_dump, struct vb_error *err)
{
	vb_auto_node_dump struct vb_node_dump *dump = calloc(1, sizeof(*dump));

	if (dump == NULL)
		return vb_error_set(err, ENOMEM, "read containerd's configuration");
	int r = vb_toml_dump_walk(text, size, take_key, dump, err);
	if (r < 0)
		return r;
	*ret_dump = VB_STEAL(dump);
	return 0;
}

void vb_node_dump_destroy(struct vb_node_dump *dump)
{
	if (dump == NULL)
		return;
	for (size_t i = 0; i < dump->count; i++) {
		vb_strv_finish(&dump->items[i].table);
		free(dump->items[i].key);
		free(dump->items[i].value);
	}
	free(dump->items);
	free(dump);
}

static const char *find_value(
	const struct vb_node_dump *dump, const char *first, const char *second, const char *key)
{
	size_t depth = (first != NULL ? 1U : 0U) + (second != NULL ? 1U : 0U);

	for (size_t i = 0; i < dump->count; i++) {
		const struct entry *entry = &dump->items[i];
		if (entry->table.count == depth && strcmp(entry->key, key) == 0 &&
			(first == NULL || strcmp(entry->table.items[0], first) == 0) &&
			(second == NULL || strcmp(entry->table.items[1], second) == 0))
			return entry->value;
	}
	return NULL;
}

static char *text_of(const char *value)
{
	char *text = NULL;

	if (value == NULL)
		return strdup("");
	int r = vb_toml_dump_string(value, &text);
	return r == -EINVAL ? strdup("") : text;
}

char *vb_node_dump_socket(const struct vb_node_dump *dump)
{
	char *address = text_of(find_value(dump, "grpc", NULL, "address"));

	if (address == NULL || *address != '\0')
		return address;
	free(address);
	return text_of(find_value(dump, "plugins", GRPC_V4, "address"));
}

bool vb_node_dump_has_nri(const struct vb_node_dump *dump)
{
	return vb_str_equal(find_value(dump, "plugins", NRI_PLUGIN, "disable"), "false");
}

void vb_node_nri_finish(struct vb_node_nri *nri)
{
	free(nri->plugin_path);
	free(nri->socket_path);
	*nri = (struct vb_node_nri){0};
}

static char *nri_text(const struct vb_node_dump *dump, const char *key, const char *otherwise)
{
	char *text = text_of(find_value(dump, "plugins", NRI_PLUGIN, key));

	if (text == NULL || *text != '\0')
		return text;
	free(text);
	return strdup(otherwise);
}

int vb_node_dump_nri(const struct vb_node_dump *dump, struct vb_node_nri *ret_nri)
{
	struct vb_node_nri nri = {.plugin_path = nri_text(dump, "plugin_path", "/opt/nri/plugins"),
		.socket_path = nri_text(dump, "socket_path", "/var/run/nri/nri.sock"),
		.accepts_plugins = !vb_str_equal(
			find_value(dump, "plugins", NRI_PLUGIN, "disable_connections"), "true")};

	if (nri.plugin_path == NULL || nri.socket_path == NULL) {
		vb_node_nri_finish(&nri);
		return -ENOMEM;
	}
	*ret_nri = nri;
	return 0;
}

/* The name of the handler that the entry belongs to; NULL when it belongs to none. */
static const char *handler_of(const struct entry *entry)
{
	const struct vb_strv *table = &entry->table;

	if (table->count < HANDLER_DEPTH || strcmp(table->items[0], "plugins") != 0 ||
		(strcmp(table->items[1], CRI_V2) != 0 && strcmp(table->items[1], CRI_V3) != 0) ||
		strcmp(table->items[2], "containerd") != 0 ||
		strcmp(table->items[3], "runtimes") != 0)
		return NULL;
	return table->items[4];
}

static bool belongs_to(const struct entry *entry, const char *handler)
{
	return vb_str_equal(handler_of(entry), handler);
}

static bool is_option(const struct entry *entry, const char *key)
{
	return entry->table.count == HANDLER_DEPTH + 1 &&
	       strcmp(entry->table.items[HANDLER_DEPTH], "options") == 0 &&
	       strcmp(entry->key, key) == 0;
}

static bool is_own(const struct entry *entry, const char *key)
{
	return entry->table.count == HANDLER_DEPTH && strcmp(entry->key, key) == 0;
}

bool vb_node_dump_has_handler(const struct vb_node_dump *dump, const char *name)
{
	for (size_t i = 0; i < dump->count; i++)
		if (belongs_to(&dump->items[i], name))
			return true;
	return false;
}

char *vb_node_dump_binary(const struct vb_node_dump *dump, const char *handler)
{
	for (size_t i = 0; i < dump->count; i++)
		if (belongs_to(&dump->items[i], handler) &&
			is_option(&dump->items[i], "BinaryName"))
			return text_of(dump->items[i].value);
	return strdup("");
}

/* What a key that is left out means as well. */
static bool is_zero(const char *value)
{
	static const char *const zeros[] = {"\"\"", "''", "[]", "0", "false"};

	for (size_t i = 0; i < VB_ARRAY_SIZE(zeros); i++)
		if (strcmp(value, zeros[i]) == 0)
			return true;
	return false;
}

static bool is_ours(const struct entry *entry)
{
	return is_own(entry, "pod_annotations") || is_option(entry, "BinaryName");
}

static bool is_oci_runtime(const struct vb_node_dump *dump, const char *base)
{
	for (size_t i = 0; i < dump->count; i++) {
		const struct entry *entry = &dump->items[i];
		if (belongs_to(entry, base) && is_own(entry, "runtime_type"))
			return strcmp(entry->value, "\"io.containerd.runc.v2\"") == 0 ||
			       strcmp(entry->value, "'io.containerd.runc.v2'") == 0;
	}
	return false;
}

/* Which keys of a handler are written. */
enum keys {
	KEYS_INHERITED, /* all but those that we set, and those that mean nothing */
	KEYS_ALL,
};

/* The keys of the base at one depth: its own, or its options. */
static int render_keys(const struct vb_node_dump *dump, const char *base, size_t depth,
	enum keys keys, struct vb_buf *out)
{
	const char *indent = depth == HANDLER_DEPTH ? "  " : "    ";
	int r = 0;

	for (size_t i = 0; r == 0 && i < dump->count; i++) {
		const struct entry *entry = &dump->items[i];
		if (belongs_to(entry, base) && entry->table.count == depth &&
			(keys == KEYS_ALL || (!is_ours(entry) && !is_zero(entry->value))))
			r = vb_buf_printf(out, "%s%s = %s\n", indent, entry->key, entry->value);
	}
	return r;
}

static int render_handler(const struct vb_node_dump *dump, const struct vb_node_handler *handler,
	const char *plugin, struct vb_buf *out)
{
	int r = vb_buf_printf(
		out, "[plugins.\"%s\".containerd.runtimes.%s]\n", plugin, handler->name);

	if (r == 0)
		r = render_keys(dump, handler->base, HANDLER_DEPTH, KEYS_INHERITED, out);
	if (r == 0)
		r = vb_buf_printf(out,
			"  pod_annotations = " GLOBS
			"\n  [plugins.\"%s\".containerd.runtimes.%s.options]\n",
			plugin, handler->name);
	if (r == 0)
		r = render_keys(dump, handler->base, HANDLER_DEPTH + 1, KEYS_INHERITED, out);
	return r == 0 ? vb_buf_printf(out, "    BinaryName = \"" BIN "%s\"\n", handler->name) : r;
}

static int check_base(const struct vb_node_dump *dump, const struct vb_node_handler *handler,
	struct vb_error *err)
{
	vb_auto_free char *binary = vb_node_dump_binary(dump, handler->base);

	if (binary == NULL)
		return vb_error_set(err, ENOMEM, "look at handler %s", handler->base);
	if (!vb_node_dump_has_handler(dump, handler->base)) {
		(void)vb_error_say(err, ENOENT, "containerd has no handler '%.64s' for '%s'",
			handler->base, handler->name);
		return vb_error_fix(err, "name another one: --handler %s=BASE", handler->name);
	}
	if (vb_node_dump_has_handler(dump, handler->name))
		return vb_error_say(err, EEXIST,
			"containerd's configuration has a handler '%s' that is not of this "
			"installer",
			handler->name);
	if (!is_oci_runtime(dump, handler->base))
		return vb_error_say(err, EINVAL,
			"handler '%.64s' is not of type io.containerd.runc.v2, which '%s' needs",
			handler->base, handler->name);
	if (vb_str_after(binary, BIN) != NULL)
		return vb_error_say(
			err, EINVAL, "handler '%.64s' is Vambrace itself", handler->base);
	return 0;
}

int vb_node_dump_render(const struct vb_node_dump *dump, const struct vb_node_handlers *handlers,
	long version, bool with_version, struct vb_buf *out, struct vb_error *err)
{
	int r = 0;

	if (with_version)
		r = vb_buf_printf(out, "version = %ld\n", version);
	for (size_t i = 0; r == 0 && i < handlers->count; i++) {
		r = check_base(dump, &handlers->items[i], err);
		if (r < 0)
			return r;
		if (i > 0 || with_version)
			r = vb_buf_append_string(out, "\n");
		if (r == 0)
			r = render_handler(
				dump, &handlers->items[i], version < 3 ? CRI_V2 : CRI_V3, out);
	}
	return r == 0 ? 0 : vb_error_set(err, -r, "write the handlers");
}

int vb_node_dump_lost(
	const struct vb_node_dump *before, const struct vb_node_dump *after, struct vb_strv *names)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < before->count; i++) {
		const char *name = handler_of(&before->items[i]);
		if (name != NULL && !vb_node_dump_has_handler(after, name) &&
			!vb_strv_contains(names, name))
			r = vb_strv_add(names, name);
	}
	return r;
}

int vb_node_dump_render_kept(const struct vb_node_dump *dump, const struct vb_strv *names,
	long version, struct vb_buf *out)
{
	const char *plugin = version < 3 ? CRI_V2 : CRI_V3;
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->count; i++) {
		const char *name = names->items[i];
		r = vb_buf_printf(
			out, "\n[plugins.\"%s\".containerd.runtimes.\"%s\"]\n", plugin, name);
		if (r == 0)
			r = render_keys(dump, name, HANDLER_DEPTH, KEYS_ALL, out);
		if (r == 0)
			r = vb_buf_printf(out,
				"  [plugins.\"%s\".containerd.runtimes.\"%s\".options]\n", plugin,
				name);
		if (r == 0)
			r = render_keys(dump, name, HANDLER_DEPTH + 1, KEYS_ALL, out);
	}
	return r;
}

static bool is_same_place(const struct entry *a, const struct entry *b)
{
	return strcmp(a->key, b->key) == 0 && vb_strv_equal(&a->table, &b->table);
}

/* The dumps are nearly the same, so looking on from the last place finds it at once. */
static const struct entry *find_entry(
	const struct vb_node_dump *dump, const struct entry *wanted, size_t *from)
{
	for (size_t i = 0; i < dump->count; i++) {
		size_t at = (*from + i) % dump->count;
		if (is_same_place(&dump->items[at], wanted)) {
			*from = at + 1;
			return &dump->items[at];
		}
	}
	return NULL;
}

/* The value of the same option of another handler; NULL when it has none. */
static const char *option_of(
	const struct vb_node_dump *dump, const char *handler, const struct entry *option)
{
	for (size_t i = 0; i < dump->count; i++) {
		const struct entry *entry = &dump->items[i];
		if (!belongs_to(entry, handler) || strcmp(entry->key, option->key) != 0 ||
			entry->table.count != option->table.count)
			continue;
		bool is_same = true;
		for (size_t j = HANDLER_DEPTH; j < entry->table.count; j++)
			is_same = is_same &&
				  strcmp(entry->table.items[j], option->table.items[j]) == 0;
		if (is_same)
			return entry->value;
	}
	return NULL;
}

static bool is_same_value(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return is_zero(a != NULL ? a : b);
	return strcmp(a, b) == 0 || (is_zero(a) && is_zero(b));
}

/* A key of a handler of ours: what the base has, but for the two that we set. */
static bool is_inherited(const struct vb_node_dump *dump, const struct entry *entry,
	const struct vb_node_handler *handler)
{
	vb_auto_strv struct vb_strv globs = {0};
	vb_auto_free char *text = NULL;

	if (is_own(entry, "pod_annotations"))
		return vb_toml_dump_strings(entry->value, &globs) == 0 && globs.count == 2 &&
		       strcmp(globs.items[0], "*.vambrace.dev") == 0 &&
		       strcmp(globs.items[1], "*.vambrace.dev/*") == 0;
	if (is_option(entry, "BinaryName"))
		return vb_toml_dump_string(entry->value, &text) == 0 &&
		       vb_str_equal(vb_str_after(text, BIN), handler->name);
	return is_same_value(entry->value, option_of(dump, handler->base, entry));
}

/* Whether the base has something that its new handler lacks. */
static bool lacks(const struct vb_node_dump *after, const struct vb_node_handler *handler,
	const struct entry *base)
{
	if (!belongs_to(base, handler->base) || is_ours(base) || is_zero(base->value))
		return false;
	return option_of(after, handler->name, base) == NULL;
}

static bool is_nri_switch(const struct entry *entry)
{
	return entry->table.count == 2 && strcmp(entry->table.items[1], NRI_PLUGIN) == 0 &&
	       strcmp(entry->key, "disable") == 0;
}

static int print_entry(struct vb_buf *out, const char *mark, const struct entry *entry)
{
	vb_auto_free char *table = vb_strv_join(&entry->table, '/');

	if (table == NULL)
		return -ENOMEM;
	return vb_buf_printf(out, "%s [%s] %s = %s\n", mark, table, entry->key, entry->value);
}

struct comparison {
	const struct vb_node_dump *before, *after;
	const struct vb_node_handlers *handlers;
	const struct vb_node_allowed *allowed;
	struct vb_buf *out;
	int refused;
};

static bool is_imports(const struct entry *entry)
{
	return entry->table.count == 0 && strcmp(entry->key, "imports") == 0;
}

/* containerd 1.7 lists the files that it has read in another order each time. */
static bool is_unchanged(const struct entry *old, const struct entry *new)
{
	vb_auto_strv struct vb_strv before = {0};
	vb_auto_strv struct vb_strv after = {0};

	if (strcmp(old->value, new->value) == 0)
		return true;
	if (!is_imports(old) || vb_toml_dump_strings(old->value, &before) < 0 ||
		vb_toml_dump_strings(new->value, &after) < 0)
		return false;
	vb_strv_sort_unique(&before);
	vb_strv_sort_unique(&after);
	return vb_strv_equal(&before, &after);
}

static bool is_allowed(
	const struct comparison *all, const struct entry *old, const struct entry *new)
{
	const struct entry *any = new != NULL ? new : old;
	const char *name = any != NULL ? handler_of(any) : NULL;
	const struct vb_node_handler *handler =
		name != NULL ? vb_node_handlers_find(all->handlers, name) : NULL;

	if (handler != NULL)
		return old == NULL && is_inherited(all->after, new, handler);
	if (any == NULL)
		return true;
	if (is_imports(any))
		return all->allowed->imports;
	return all->allowed->nri && is_nri_switch(any) &&
	       new != NULL &&strcmp(new->value, "false") == 0;
}

static int note(struct comparison *all, const struct entry *old, const struct entry *new)
{
	bool is_fine = is_allowed(all, old, new);
	int r = old != NULL ? print_entry(all->out, is_fine ? "-" : "!-", old) : 0;

	if (r == 0 && new != NULL)
		r = print_entry(all->out, is_fine ? "+" : "!+", new);
	all->refused += is_fine ? 0 : 1;
	return r;
}

static int note_lacking(struct comparison *all)
{
	int r = 0;

	for (size_t i = 0; i < all->handlers->count; i++)
		for (size_t j = 0; r == 0 && j < all->before->count; j++) {
			if (!lacks(all->after, &all->handlers->items[i], &all->before->items[j]))
				continue;
			all->refused++;
			r = print_entry(all->out, "!lacks", &all->before->items[j]);
		}
	return r;
}

int vb_node_dump_compare(const struct vb_node_dump *before, const struct vb_node_dump *after,
	const struct vb_node_handlers *handlers, const struct vb_node_allowed *allowed,
	struct vb_buf *out)
{
	struct comparison all = {.before = before,
		.after = after,
		.handlers = handlers,
		.allowed = allowed,
		.out = out};
	size_t from = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < before->count; i++) {
		const struct entry *entry = find_entry(after, &before->items[i], &from);
		if (entry == NULL || !is_unchanged(&before->items[i], entry))
			r = note(&all, &before->items[i], entry);
	}
	from = 0;
	for (size_t i = 0; r == 0 && i < after->count; i++)
		if (find_entry(before, &after->items[i], &from) == NULL)
			r = note(&all, NULL, &after->items[i]);
	if (r == 0)
		r = note_lacking(&all);
	return r < 0 ? r : all.refused;
}
