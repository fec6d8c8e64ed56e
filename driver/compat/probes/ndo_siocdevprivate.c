// SPDX-License-Identifier: GPL-2.0
/* net_device_ops::ndo_siocdevprivate, 5.15. */
#include <linux/netdevice.h>

#ifdef PROBE_NEW
int (*probe(const struct net_device_ops *ops))(struct net_device *, struct ifreq *,
					       void __user *, int)
{
	return ops->ndo_siocdevprivate;
}
#else
struct probe {
	const struct net_device_ops;
	int ndo_siocdevprivate;
};
#endif
