// SPDX-License-Identifier: GPL-2.0
/* netif_napi_add() without a weight, 6.1. */
#include <linux/netdevice.h>

void probe(struct net_device *netdev, struct napi_struct *napi)
{
#ifdef PROBE_NEW
	netif_napi_add(netdev, napi, NULL);
#else
	netif_napi_add(netdev, napi, NULL, NAPI_POLL_WEIGHT);
#endif
}
