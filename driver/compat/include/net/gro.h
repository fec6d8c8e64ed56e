/* SPDX-License-Identifier: GPL-2.0 */
/* Found only where the kernel has none (before 5.16); linux/netdevice.h has it all. */
#include <linux/netdevice.h>
