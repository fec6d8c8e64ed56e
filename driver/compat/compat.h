/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver is written against the newest kernel. What older ones lack is here,
 * by what probes/ found in the kernel at hand, not by its version: stable kernels
 * have much of newer ones. What is a macro there needs no probe.
 */
#ifndef QMIQ_COMPAT_H
#define QMIQ_COMPAT_H

#include <linux/netdevice.h>
#include <linux/preempt.h>
#include <linux/skbuff.h>
#include <linux/usb.h>
#include <linux/usb/cdc-wdm.h>
#include <net/genetlink.h>

#include "features.h"

#ifndef in_hardirq
#define in_hardirq()	in_irq()
#endif

#ifndef HAVE_NAPI_BUILD_SKB
#define napi_build_skb	build_skb
#endif

#ifndef HAVE_NAPI_DEFAULT_WEIGHT
#define netif_napi_add(netdev, napi, poll)				\
	netif_napi_add(netdev, napi, poll, NAPI_POLL_WEIGHT)
#endif

#ifndef HAVE_CDC_WDM_PORT_TYPE
#define usb_cdc_wdm_register(intf, ep, size, type, manage_power)	\
	usb_cdc_wdm_register(intf, ep, size, manage_power)
#endif

/* A member that registering the family sets: this has no effect. */
#ifndef HAVE_GENL_RESV_START_OP
#define resv_start_op	id
#endif

#endif
