/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver is written against the newest kernel. What older ones lack is
 * here, by the version it came with, and nowhere else.
 */
#ifndef QMIQ_COMPAT_H
#define QMIQ_COMPAT_H

#include <linux/version.h>

/* 6.13 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#include <linux/hrtimer.h>
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#endif
