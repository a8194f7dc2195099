/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>

/* Enough for libseccomp and jansson on documents of bounded depth; it stays resident. */
enum { STACK_BYTES = 512 * 1024 };

struct queue {
	struct vb_job *first;
	struct vb_job *last;
};

struct vb_worker {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wakeup;
	struct queue waiting[VB_JOB_CLASSES];
	struct queue finished;
	bool stopping;
	int event_fd; /* readable when finished is not empty */
	struct event *event;
};

static void push(struct queue *queue, struct vb_job *job)
{
	job->next = NULL;
	if (queue->last != NULL)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
}

static struct vb_job *pop(struct queue *queue)
{
	struct vb_job *job = queue->first;

	if (job == NULL)
		return NULL;
	queue->first = job->next;
	if (queue->first == NULL)
		queue->last = NULL;
	return job;
}

/* The next job, NULL when the thread has to end. Called with the mutex held. */
static struct vb_job *wait_for_job(struct vb_worker *worker)
{
	for (;;) {
		if (worker->stopping)
			return NULL;
		for (size_t i = 0; i < VB_JOB_CLASSES; i++) {
			struct vb_job *job = pop(&worker->waiting[i]);
			if (job != NULL)
				return job;
		}
		(void)pthread_cond_wait(&worker->wakeup, &worker->mutex);
	}
}

/* The loop is woken when it can have the mutex at once; woken before, it would wait for it. */
static void finish_job(struct vb_worker *worker, struct vb_job *job)
{
	(void)pthread_mutex_lock(&worker->mutex);
	push(&worker->finished, job);
	(void)pthread_mutex_unlock(&worker->mutex);
	/* Cannot fail: the counter is far from its end, and the loop resets it. */
	(void)eventfd_write(worker->event_fd, 1);
}

static void *work(void *argument)
{
	struct vb_worker *worker = argument;

	(void)pthread_mutex_lock(&worker->mutex);
	for (struct vb_job *job; (job = wait_for_job(worker)) != NULL;) {
		(void)pthread_mutex_unlock(&worker->mutex);
		job->run(job);
		finish_job(worker, job);
		(void)pthread_mutex_lock(&worker->mutex);
	}
	(void)pthread_mutex_unlock(&worker->mutex);
	return NULL;
}

static struct vb_job *pop_finished(struct vb_worker *worker)
{
	(void)pthread_mutex_lock(&worker->mutex);
	struct vb_job *job = pop(&worker->finished);
	(void)pthread_mutex_unlock(&worker->mutex);
	return job;
}

static void on_finished(evutil_socket_t fd, short what, void *context)
{
	struct vb_worker *worker = context;
	eventfd_t count = 0;

	(void)what;
	(void)eventfd_read(fd, &count);
	for (struct vb_job *job; (job = pop_finished(worker)) != NULL;)
		job->done(job);
}

/* All signals are the loop's. */
static int start_thread(struct vb_worker *worker)
{
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t before;

	if (pthread_attr_init(&attributes) != 0)
		return -ENOMEM;
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&worker->thread, &attributes, work, worker);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return -r;
}

static void destroy(struct vb_worker *worker)
{
	if (worker->event != NULL)
		event_free(worker->event);
	if (worker->event_fd >= 0)
		(void)close(worker->event_fd);
	(void)pthread_cond_destroy(&worker->wakeup);
	(void)pthread_mutex_destroy(&worker->mutex);
	free(worker);
}

struct vb_worker *vb_worker_create(struct event_base *base)
{
	struct vb_worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return NULL;
	(void)pthread_mutex_init(&worker->mutex, NULL);
	(void)pthread_cond_init(&worker->wakeup, NULL);
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->event_fd >= 0)
		worker->event = event_new(
			base, worker->event_fd, EV_READ | EV_PERSIST, on_finished, worker);
	if (worker->event == NULL || event_add(worker->event, NULL) < 0 ||
		start_thread(worker) < 0) {
		destroy(worker);
		return NULL;
	}
	return worker;
}

void vb_worker_submit(struct vb_worker *worker, struct vb_job *job, enum vb_job_class job_class)
{
	(void)pthread_mutex_lock(&worker->mutex);
	push(&worker->waiting[job_class], job);
	(void)pthread_mutex_unlock(&worker->mutex);
	/* Behind the mutex, for which the thread would have to wait again. */
	(void)pthread_cond_signal(&worker->wakeup);
}

int vb_worker_stop(struct vb_worker *worker, unsigned int timeout_ms)
{
	struct timespec deadline = {0};

	if (worker == NULL)
		return 0;
	(void)pthread_mutex_lock(&worker->mutex);
	worker->stopping = true;
	(void)pthread_cond_signal(&worker->wakeup);
	(void)pthread_mutex_unlock(&worker->mutex);
	(void)clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += timeout_ms / 1000;
	deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000;
	}
	/* glibc 2.31. */
	if (pthread_clockjoin_np(worker->thread, NULL, CLOCK_MONOTONIC, &deadline) != 0)
		return -ETIMEDOUT;
	for (struct vb_job *job; (job = pop(&worker->finished)) != NULL;)
		job->done(job);
	for (size_t i = 0; i < VB_JOB_CLASSES; i++)
		for (struct vb_job *job; (job = pop(&worker->waiting[i])) != NULL;)
			job->done(job);
	destroy(worker);
	return 0;
}
