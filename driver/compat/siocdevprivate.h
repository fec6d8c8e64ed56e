/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the file with the net_device_ops: where there is no ndo_siocdevprivate yet,
 * ndo_do_ioctl, which gets ioctls of other ranges as well.
 */
#ifndef HAVE_NDO_SIOCDEVPRIVATE
static int qmiq_do_ioctl(struct net_device *netdev, struct ifreq *ifr, int cmd)
{
	return qmiq_vendor_ioctl(netdev, ifr, ifr->ifr_data, cmd);
}

#define ndo_siocdevprivate	ndo_do_ioctl
#define qmiq_vendor_ioctl	qmiq_do_ioctl
#endif
