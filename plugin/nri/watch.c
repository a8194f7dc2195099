/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "report.h"

enum {
	/* Containers between START and their workload; there are as many as starts in parallel. */
	KEPT_MAX = 128,
};

/* The last look is 5 s after START: on a busy node an image takes its time to load. */
static const unsigned int delays_ms[] = {0, 10, 50, 200, 1000, 4000};

struct observation {
	TAILQ_ENTRY(observation) link;
	struct vb_watch *watch;
	char *container_id;
	struct vb_case *subject; /* NULL while a task has it, or when not loaded yet */
	bool is_running;         /* tasks look at it, or are about to */
	bool is_with_worker;
	bool is_forgotten; /* goes when its task comes back */
	unsigned int attempt;
	struct event *timer;

	bool is_found;

	/* Of a container that was found running; NULL otherwise, and where they are not known. */
	char *name;
	char *namespace_name;
	char *pod;
	char *handler;
	pid_t pid;
};

TAILQ_HEAD(observation_list, observation);

struct vb_watch {
	struct vb_watch_parts parts;
	struct observation_list observations;
	struct observation_list found; /* wait for their turn */
	struct observation *current;   /* the found one that has it */
	struct event *next_turn;
	size_t kept;
};

static void destroy_observation(struct observation *observation)
{
	if (observation->timer != NULL)
		event_free(observation->timer);
	vb_case_destroy(observation->subject);
	free(observation->container_id);
	free(observation->name);
	free(observation->namespace_name);
	free(observation->pod);
	free(observation->handler);
	free(observation);
}

void vb_watch_destroy(struct vb_watch *watch)
{
	struct observation *observation = NULL;

	if (watch == NULL)
		return;
	while ((observation = TAILQ_FIRST(&watch->observations)) != NULL) {
		TAILQ_REMOVE(&watch->observations, observation, link);
		destroy_observation(observation);
	}
	while ((observation = TAILQ_FIRST(&watch->found)) != NULL) {
		TAILQ_REMOVE(&watch->found, observation, link);
		destroy_observation(observation);
	}
	if (watch->next_turn != NULL)
		event_free(watch->next_turn);
	free(watch);
}

static struct observation *find_in(const struct observation_list *list, const char *container_id)
{
	struct observation *observation = NULL;

	TAILQ_FOREACH(observation, list, link)
	if (!observation->is_forgotten && strcmp(observation->container_id, container_id) == 0)
		return observation;
	return NULL;
}

static void end(struct observation *observation)
{
	struct vb_watch *watch = observation->watch;

	TAILQ_REMOVE(&watch->observations, observation, link);
	watch->kept -= !observation->is_running;
	if (observation == watch->current) {
		watch->current = NULL;
		event_active(watch->next_turn, EV_TIMEOUT, 0);
	}
	destroy_observation(observation);
}

static void look(struct observation *observation);

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	look(context);
}

static void wait_for_next_attempt(struct observation *observation)
{
	struct vb_watch *watch = observation->watch;

	if (observation->timer == NULL)
		observation->timer = evtimer_new(watch->parts.base, on_timer, observation);
	const struct timeval interval = vb_clock_interval(delays_ms[observation->attempt]);
	if (observation->timer == NULL || evtimer_add(observation->timer, &interval) < 0)
		end(observation);
}

static const char *action_of(const struct vb_task *task)
{
	if (!task->lapse.was_to_be_killed)
		return "report";
	return task->lapse.kill_result == 0 ? "killed" : "not-killed";
}

static void report_unhardened(const struct observation *observation, const struct vb_task *task)
{
	const struct vb_finding finding = {.namespace_name = observation->namespace_name,
		.pod = observation->pod,
		.container = observation->name,
		.container_id = observation->container_id,
		.handler = observation->handler,
		.plan_digest = task->has_outcome ? task->outcome.plan_digest : NULL,
		.reason = task->lapse.why.what,
		.action = action_of(task),
		.error = task->lapse.kill_result < 0 ? task->lapse.kill_err.what : NULL};

	vb_report_unhardened(observation->watch->parts.reporter, &finding);
}

static void report(const struct observation *observation, const struct vb_task *task)
{
	const struct vb_reporter *reporter = observation->watch->parts.reporter;
	struct vb_log_line line;

	if (task->lapse.is_there)
		report_unhardened(observation, task);
	if (task->has_outcome) {
		vb_report_outcome(reporter, &task->outcome);
		vb_report_running(reporter, &task->outcome);
	} else if (task->result < 0 && task->result != -ECANCELED) {
		vb_log_begin(&line, observation->container_id, "not-examined");
		vb_log_text(&line, "error", task->err.what);
		vb_log_write_limited(reporter->log, &line);
	}
}

static void on_done(struct vb_job *job)
{
	vb_auto_task struct vb_task *task = vb_task_of(job);
	struct observation *observation = task->owner;

	observation->is_with_worker = false;
	observation->subject = VB_STEAL(task->subject);
	if (!observation->is_forgotten && task->again) {
		observation->attempt++;
		wait_for_next_attempt(observation);
		return;
	}
	if (!observation->is_forgotten)
		report(observation, task);
	end(observation);
}

static char *copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

static void look(struct observation *observation)
{
	const struct vb_watch_parts *parts = &observation->watch->parts;
	struct vb_task *task = vb_task_create(parts->shop, VB_TASK_OBSERVE, on_done);

	if (task != NULL) {
		task->container_id = strdup(observation->container_id);
		task->namespace_name = copy(observation->namespace_name);
		task->is_found = observation->is_found;
	}
	if (task == NULL || task->container_id == NULL) {
		vb_task_destroy(task);
		end(observation);
		return;
	}
	task->owner = observation;
	task->subject = VB_STEAL(observation->subject);
	task->pid = observation->pid;
	task->is_last = observation->attempt + 1 == VB_ARRAY_SIZE(delays_ms);
	observation->is_with_worker = true;
	vb_worker_submit(parts->worker, &task->job, VB_JOB_BACKGROUND);
}

static struct observation *create(struct vb_watch *watch, const char *container_id)
{
	struct observation *observation = calloc(1, sizeof(*observation));

	if (observation == NULL)
		return NULL;
	observation->watch = watch;
	observation->container_id = strdup(container_id);
	if (observation->container_id != NULL)
		return observation;
	free(observation);
	return NULL;
}

/* Those whose start never came; the eldest is the least likely to be still of use. */
static void drop_eldest_kept(struct vb_watch *watch)
{
	struct observation *observation = NULL;

	TAILQ_FOREACH(observation, &watch->observations, link)
	{
		if (observation->is_running)
			continue;
		end(observation);
		return;
	}
}

void vb_watch_keep(struct vb_watch *watch, struct vb_case *subject)
{
	vb_watch_forget(watch, subject->container_id);
	struct observation *observation = create(watch, subject->container_id);
	if (observation == NULL) {
		vb_case_destroy(subject);
		return;
	}
	if (watch->kept >= KEPT_MAX)
		drop_eldest_kept(watch);
	observation->subject = subject;
	TAILQ_INSERT_TAIL(&watch->observations, observation, link);
	watch->kept++;
}

void vb_watch_started(struct vb_watch *watch, const char *container_id)
{
	struct observation *observation = find_in(&watch->observations, container_id);

	if (observation == NULL || observation->is_running)
		return;
	observation->is_running = true;
	watch->kept--;
	look(observation);
}

void vb_watch_forget(struct vb_watch *watch, const char *container_id)
{
	struct observation *observation = find_in(&watch->observations, container_id);
	struct observation *waiting = find_in(&watch->found, container_id);

	if (waiting != NULL) {
		TAILQ_REMOVE(&watch->found, waiting, link);
		destroy_observation(waiting);
	}
	if (observation == NULL)
		return;
	if (observation->is_with_worker)
		observation->is_forgotten = true;
	else
		end(observation);
}

static void on_next_turn(evutil_socket_t fd, short what, void *context)
{
	struct vb_watch *watch = context;
	struct observation *observation = TAILQ_FIRST(&watch->found);

	(void)fd;
	(void)what;
	if (watch->current != NULL)
		return;
	if (observation == NULL) {
		/* A node's whole state has passed through the heap; what is left is little. */
		(void)malloc_trim(0);
		return;
	}
	TAILQ_REMOVE(&watch->found, observation, link);
	TAILQ_INSERT_TAIL(&watch->observations, observation, link);
	observation->is_running = true;
	watch->current = observation;
	look(observation);
}

void vb_watch_found(struct vb_watch *watch, const struct vb_found *found)
{
	vb_watch_forget(watch, found->container_id);
	struct observation *observation = create(watch, found->container_id);
	if (observation == NULL)
		return;
	observation->is_found = true;
	observation->name = copy(found->name);
	observation->namespace_name = copy(found->namespace_name);
	observation->pod = copy(found->pod);
	observation->handler = copy(found->handler);
	observation->pid = found->pid;
	TAILQ_INSERT_TAIL(&watch->found, observation, link);
	if (watch->current == NULL)
		event_active(watch->next_turn, EV_TIMEOUT, 0);
}

struct vb_watch *vb_watch_create(const struct vb_watch_parts *parts)
{
	struct vb_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->parts = *parts;
	TAILQ_INIT(&watch->observations);
	TAILQ_INIT(&watch->found);
	watch->next_turn = evtimer_new(parts->base, on_next_turn, watch);
	if (watch->next_turn == NULL) {
		free(watch);
		return NULL;
	}
	return watch;
}
