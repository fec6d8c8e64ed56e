/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What qmi_wwan_q shares with user space.
 *
 * Private ioctls of the vendor's driver of the same name, kept so that its
 * programs work unchanged. Issued on an AF_INET datagram socket with ifr_name
 * the master netdev (wwan0) and ifr_data a user pointer. Native byte order.
 */
#ifndef _UAPI_LINUX_QMI_WWAN_Q_H
#define _UAPI_LINUX_QMI_WWAN_Q_H

#include <linux/types.h>

/* Most PDNs (mux netdevs) that these interfaces can name. */
#define QMI_WWAN_Q_MAX_PDN	8

/*
 * In: __u32 link state. qmap_mode 0 and 1: any non-zero is up, 0 is down.
 * qmap_mode N: bits 6-0 are the PDN, 1 to N; bit 7 set means down.
 * Needs CAP_NET_ADMIN. EINVAL: no such PDN.
 */
#define QMI_WWAN_Q_IOC_LINK_STATE	0x89F1

/*
 * In: struct qmi_wwan_q_format, what WDA Set Data Format agreed with the
 * module. Needs CAP_NET_ADMIN. EINVAL: a value is out of range, and none was
 * taken. EOPNOTSUPP: qmap_mode 0.
 */
#define QMI_WWAN_Q_IOC_SET_FORMAT	0x89F2

/*
 * Out: struct qmi_wwan_q_info. EOPNOTSUPP: qmap_mode 0.
 */
#define QMI_WWAN_Q_IOC_GET_INFO		0x89F3

/**
 * struct qmi_wwan_q_format - data format agreed with the module
 * @size: of this struct, 32
 * @rx_urb_size: DL aggregate size in bytes; up to 65536. The driver's URBs
 *	grow to it and never shrink; 0 leaves them
 * @ep_type: endpoint type as WDA codes it; 2 is HSUSB
 * @iface_id: number of the USB interface
 * @mux_id: of the first PDN; for information
 * @ul_max_datagrams: packets in an UL transfer; 0 and 1: no aggregation
 * @ul_max_size: bytes in an UL transfer; up to 65536, and no less than a
 *	packet of the largest MTU with its framing. Ignored without aggregation
 * @dl_minimum_padding: bytes that the module inserts before each DL packet,
 *	up to 255; QMAP v5
 */
struct qmi_wwan_q_format {
	__u32 size;
	__u32 rx_urb_size;
	__u32 ep_type;
	__u32 iface_id;
	__u32 mux_id;
	__u32 ul_max_datagrams;
	__u32 ul_max_size;
	__u32 dl_minimum_padding;
};

/**
 * struct qmi_wwan_q_info - what a dialler needs to know
 * @size: of this struct, 164
 * @rx_urb_size: bytes of a DL URB: the DL aggregate size to ask for
 * @ep_type: 2, HSUSB
 * @iface_id: number of the USB interface
 * @qmap_mode: 1, or the number of PDNs
 * @qmap_version: as WDA codes it: 5 QMAP v1, 9 QMAP v5
 * @dl_minimum_padding: as set
 * @ifname: netdev of each PDN, NUL-terminated; empty past the last
 * @mux_id: mux id of each PDN; 0 past the last
 */
struct qmi_wwan_q_info {
	__u32 size;
	__u32 rx_urb_size;
	__u32 ep_type;
	__u32 iface_id;
	__u32 qmap_mode;
	__u32 qmap_version;
	__u32 dl_minimum_padding;
	char ifname[QMI_WWAN_Q_MAX_PDN][16];
	__u8 mux_id[QMI_WWAN_Q_MAX_PDN];
};

#endif
