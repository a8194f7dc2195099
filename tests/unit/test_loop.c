/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon's loop does first when several things have come to be done at once. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "config_watch_sys.h"
#include "loop.h"
#include "unit.h"
#include "vb/base/str.h"
#include "web_sys.h"

#define GET "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

enum { PORT = 9465, SCRAPERS = 8, FRAMES = 3 };

static struct event_base *base;
static struct vb_log *log_lines;
static int frames[2];
static struct event *frame_event;
static unsigned int frames_left;
/* A letter for each thing that was done: c(hange of the config), f(rame), s(crape). */
static char done[64];

static void note(char what)
{
	size_t used = strlen(done);

	ck_assert_uint_lt(used, sizeof(done) - 1);
	done[used] = what;
}

static void send_frame(void)
{
	ck_assert_int_eq(write(frames[1], "", 1), 1);
}

/* As on the runtime's socket: the next one comes while this one is dealt with. */
static void on_frame(evutil_socket_t fd, short what, void *context)
{
	char byte = 0;

	(void)what;
	(void)context;
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	note('f');
	if (--frames_left > 0)
		send_frame();
}

static int render(void *context, struct vb_buf *text)
{
	(void)context;
	note('s');
	return vb_buf_append_string(text, "up 1\n");
}

static void on_changed(void *context)
{
	(void)context;
	note('c');
}

static void set_up(void)
{
	memset(done, 0, sizeof(done));
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(event_base_priority_init(base, VB_LOOP_PRIORITIES), 0);
	log_lines = vb_log_create(STDERR_FILENO, VB_LOG_STDERR);
	ck_assert_int_eq(pipe2(frames, O_CLOEXEC), 0);
	/* With the priority that events have when nothing is said, as those of the runtime's link.
	 */
	frame_event = event_new(base, frames[0], EV_READ | EV_PERSIST, on_frame, NULL);
	ck_assert_int_eq(event_add(frame_event, NULL), 0);
	frames_left = 1;
}

static void tear_down(void)
{
	event_free(frame_event);
	(void)close(frames[0]);
	(void)close(frames[1]);
	vb_log_destroy(log_lines);
	event_base_free(base);
}

/* Until there is nothing more to do. */
static void spin(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_NONBLOCK), 0);
}

/* A loopback address that no other process of these tests has. */
static struct in_addr own_address(void)
{
	uint32_t pid = (uint32_t)getpid();

	return (struct in_addr){.s_addr = htonl(0x7f000000 | (pid & 0xffffff))};
}

static struct vb_web *serve(void)
{
	const struct vb_web_parts parts = {.base = base, .log = log_lines, .render = render};
	struct vb_connect_entry entry = {.family = AF_INET, .prefix = 32, .port = PORT};
	struct in_addr address = own_address();
	struct vb_web *web = vb_web_create(&parts);

	ck_assert_ptr_nonnull(web);
	memcpy(entry.address, &address, sizeof(address));
	vb_web_listen(web, &entry);
	return web;
}

static int dial(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = own_address()};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

START_TEST(frames_go_ahead_of_every_scrape_that_came_before_them)
{
	struct vb_web *web = serve();
	int scrapers[SCRAPERS];

	for (size_t i = 0; i < SCRAPERS; i++)
		scrapers[i] = dial();
	spin();
	for (size_t i = 0; i < SCRAPERS; i++)
		ck_assert_int_eq(send(scrapers[i], GET, strlen(GET), 0), strlen(GET));
	frames_left = FRAMES;
	send_frame();
	spin();
	ck_assert_str_eq(done, "fffssssssss");
	for (size_t i = 0; i < SCRAPERS; i++)
		(void)close(scrapers[i]);
	vb_web_destroy(web);
}
END_TEST

START_TEST(a_change_of_the_config_goes_ahead_of_a_frame_that_came_before_it)
{
	const char *parent = getenv("TMPDIR");
	vb_auto_free char *directory =
		vb_str_format("%s/loop-XXXXXX", parent != NULL ? parent : "/tmp");

	ck_assert_ptr_nonnull(mkdtemp(directory));
	vb_auto_free char *path = vb_str_format("%s/config.json", directory);
	struct vb_config_watch *watch = vb_config_watch_create(base, path, on_changed, NULL);
	ck_assert_ptr_nonnull(watch);
	spin();
	send_frame();
	vb_auto_fclose FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	spin();
	ck_assert_str_eq(done, "cf");
	vb_config_watch_destroy(watch);
	(void)unlink(path);
	(void)rmdir(directory);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("loop");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, frames_go_ahead_of_every_scrape_that_came_before_them);
	tcase_add_test(tcase, a_change_of_the_config_goes_ahead_of_a_frame_that_came_before_it);
	return vb_unit_run("loop", tcase);
}
