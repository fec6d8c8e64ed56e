/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What qmi_wwan_q shares with user space.
 *
 * 1. Private ioctls of the vendor's driver of the same name, kept so that its
 * programs work unchanged. Issued on an AF_INET datagram socket with ifr_name
 * the master netdev (wwan0) and ifr_data a user pointer. Native byte order.
 *
 * 2. The generic netlink family, for new programs: it names the reason of a
 * refusal, takes any mux id and tells of changes. The same in YAML:
 * Documentation/netlink/specs/qmi_wwan_q.yaml.
 */
#ifndef _UAPI_LINUX_QMI_WWAN_Q_H
#define _UAPI_LINUX_QMI_WWAN_Q_H

#include <linux/types.h>

/* Most mux netdevs of a module. */
#define QMI_WWAN_Q_MAX_PDN	8

/*
 * In: __u32 link state. qmap_mode 0 and 1: any non-zero is up, 0 is down.
 * qmap_mode N: bits 6-0 are the PDN, n for the one with mux id 0x80 + n; bit 7
 * set means down.
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
 * @qmap_mode: 1, or 2 to 8
 * @qmap_version: as WDA codes it: 5 QMAP v1, 9 QMAP v5
 * @dl_minimum_padding: as set
 * @ifname: netdev of PDN 1 (mux id 0x81), 2, ..., NUL-terminated; empty if it
 *	has none
 * @mux_id: mux id of PDN 1, 2, ...; 0 if it has no netdev
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

/* Generic netlink family and its multicast group. */
#define QMI_WWAN_Q_FAMILY_NAME		"qmi_wwan_q"
#define QMI_WWAN_Q_FAMILY_VERSION	1
#define QMI_WWAN_Q_MCGRP_EVENTS		"events"

/**
 * enum qmi_wwan_q_cmd - requests, answers and events
 * @QMI_WWAN_Q_CMD_DEV_GET: the module behind %QMI_WWAN_Q_A_DEV_IFINDEX, or by
 *	dump all of the socket's network namespace. Anyone may ask
 * @QMI_WWAN_Q_CMD_MODE_SET: %QMI_WWAN_Q_A_DEV_MODE; all netdevs of the module
 *	must be down (EBUSY). Mux netdevs are removed and made; those that are
 *	of both modes stay. All links and the format are as at the module's
 *	arrival then. What is there already is no change
 * @QMI_WWAN_Q_CMD_FORMAT_SET: %QMI_WWAN_Q_A_DEV_FORMAT, what WDA Set Data
 *	Format agreed with the module; what the nest leaves out stays as it is
 * @QMI_WWAN_Q_CMD_LINK_SET: a call came up or went down: one
 *	%QMI_WWAN_Q_A_DEV_PDN with mux id and link
 * @QMI_WWAN_Q_CMD_MUX_ADD: make a mux netdev, wwan0.1 for mux id 0x81,
 *	wwan0.m7 for 7: one %QMI_WWAN_Q_A_DEV_PDN with its mux id. Its link is
 *	up until set. Answered by the module as it is then. The netdevs may be
 *	up; but in modes 0 and 1 the first turns the module to mux netdevs
 *	(mode 2), as setting the mode would, and what is under way is lost
 * @QMI_WWAN_Q_CMD_MUX_DEL: remove the mux netdev of a mux id; also by ``ip
 *	link del``. The last of a module that was turned to mux netdevs by
 *	%QMI_WWAN_Q_CMD_MUX_ADD takes it back to mode 0 or 1; a mode that was
 *	set stays
 * @QMI_WWAN_Q_CMD_DEV_ADD_NTF: event: a module arrived; carries all of it
 * @QMI_WWAN_Q_CMD_DEV_DEL_NTF: event: a module left; carries all of it
 * @QMI_WWAN_Q_CMD_DEV_CHANGE_NTF: event: mode or format changed, with a mode
 *	all links too; carries all of it, and comes after the events of the
 *	mux netdevs concerned
 * @QMI_WWAN_Q_CMD_MUX_ADD_NTF: event: a mux netdev is there. This and the
 *	next two carry ifindex, ifname and USB path of the module, and one PDN
 * @QMI_WWAN_Q_CMD_MUX_DEL_NTF: event: a mux netdev is going
 * @QMI_WWAN_Q_CMD_LINK_NTF: event: a PDN's link changed
 *
 * All that sets needs CAP_NET_ADMIN in the module's network namespace, which
 * is that of its master netdev, and names the module by
 * %QMI_WWAN_Q_A_DEV_IFINDEX. Refusals say why in the extended ack, and then
 * nothing was changed. Whoever changes something, events tell of it.
 */
enum qmi_wwan_q_cmd {
	QMI_WWAN_Q_CMD_DEV_GET = 1,
	QMI_WWAN_Q_CMD_MODE_SET,
	QMI_WWAN_Q_CMD_FORMAT_SET,
	QMI_WWAN_Q_CMD_LINK_SET,
	QMI_WWAN_Q_CMD_MUX_ADD,
	QMI_WWAN_Q_CMD_MUX_DEL,
	QMI_WWAN_Q_CMD_DEV_ADD_NTF,
	QMI_WWAN_Q_CMD_DEV_DEL_NTF,
	QMI_WWAN_Q_CMD_DEV_CHANGE_NTF,
	QMI_WWAN_Q_CMD_MUX_ADD_NTF,
	QMI_WWAN_Q_CMD_MUX_DEL_NTF,
	QMI_WWAN_Q_CMD_LINK_NTF,

	__QMI_WWAN_Q_CMD_MAX,
	QMI_WWAN_Q_CMD_MAX = __QMI_WWAN_Q_CMD_MAX - 1
};

/**
 * enum qmi_wwan_q_a_dev - a module
 * @QMI_WWAN_Q_A_DEV_IFINDEX: u32, of the master netdev
 * @QMI_WWAN_Q_A_DEV_IFNAME: string, of the master netdev
 * @QMI_WWAN_Q_A_DEV_USB_PATH: string, USB interface as in sysfs: "1-1:1.4"
 * @QMI_WWAN_Q_A_DEV_VENDOR_ID: u32, USB
 * @QMI_WWAN_Q_A_DEV_PRODUCT_ID: u32, USB
 * @QMI_WWAN_Q_A_DEV_USB_SPEED: u32, Mbit/s
 * @QMI_WWAN_Q_A_DEV_EP_TYPE: u32, endpoint type as WDA codes it: 2, HSUSB
 * @QMI_WWAN_Q_A_DEV_INTERFACE: u32, number of the USB interface, as for WDA
 * @QMI_WWAN_Q_A_DEV_FAMILY: string, chip generation whose defaults are used
 * @QMI_WWAN_Q_A_DEV_MODE: u32, qmap_mode: 0 no QMAP, 1 QMAP on the master,
 *	N of 2 to 8 QMAP on mux netdevs. Setting it makes N of them, for mux
 *	id 0x81 and up; which there are now is told by the PDNs
 * @QMI_WWAN_Q_A_DEV_LINK_STATE: u32, as the vendor's file has it: bit n-1 is
 *	PDN n, which has mux id 0x80 + n; bit 0 in modes 0 and 1
 * @QMI_WWAN_Q_A_DEV_FORMAT: nest, enum qmi_wwan_q_a_format
 * @QMI_WWAN_Q_A_DEV_FORMAT_AGREED: flag: a format has been set since the
 *	module arrived or was last reset
 * @QMI_WWAN_Q_A_DEV_PDN: nest, enum qmi_wwan_q_a_pdn; once for each netdev
 *	that carries packets, in order of mux id; the master in modes 0 and 1
 */
enum qmi_wwan_q_a_dev {
	QMI_WWAN_Q_A_DEV_IFINDEX = 1,
	QMI_WWAN_Q_A_DEV_IFNAME,
	QMI_WWAN_Q_A_DEV_USB_PATH,
	QMI_WWAN_Q_A_DEV_VENDOR_ID,
	QMI_WWAN_Q_A_DEV_PRODUCT_ID,
	QMI_WWAN_Q_A_DEV_USB_SPEED,
	QMI_WWAN_Q_A_DEV_EP_TYPE,
	QMI_WWAN_Q_A_DEV_INTERFACE,
	QMI_WWAN_Q_A_DEV_FAMILY,
	QMI_WWAN_Q_A_DEV_MODE,
	QMI_WWAN_Q_A_DEV_LINK_STATE,
	QMI_WWAN_Q_A_DEV_FORMAT,
	QMI_WWAN_Q_A_DEV_FORMAT_AGREED,
	QMI_WWAN_Q_A_DEV_PDN,

	__QMI_WWAN_Q_A_DEV_MAX,
	QMI_WWAN_Q_A_DEV_MAX = __QMI_WWAN_Q_A_DEV_MAX - 1
};

/**
 * enum qmi_wwan_q_link_protocol - as WDA codes it
 * @QMI_WWAN_Q_LINK_PROTOCOL_ETHERNET: 802.3
 * @QMI_WWAN_Q_LINK_PROTOCOL_RAW_IP: raw IP
 */
enum qmi_wwan_q_link_protocol {
	QMI_WWAN_Q_LINK_PROTOCOL_ETHERNET = 1,
	QMI_WWAN_Q_LINK_PROTOCOL_RAW_IP = 2,
};

/**
 * enum qmi_wwan_q_qmap_version - as WDA codes the aggregation protocol
 * @QMI_WWAN_Q_QMAP_VERSION_NONE: no QMAP, mode 0
 * @QMI_WWAN_Q_QMAP_VERSION_V1: QMAP
 * @QMI_WWAN_Q_QMAP_VERSION_V5: QMAP v5
 */
enum qmi_wwan_q_qmap_version {
	QMI_WWAN_Q_QMAP_VERSION_NONE = 0,
	QMI_WWAN_Q_QMAP_VERSION_V1 = 5,
	QMI_WWAN_Q_QMAP_VERSION_V5 = 9,
};

/**
 * enum qmi_wwan_q_a_format - data format in use
 * @QMI_WWAN_Q_A_FORMAT_LINK_PROTOCOL: u32, enum qmi_wwan_q_link_protocol. Read
 *	only: the driver follows the module
 * @QMI_WWAN_Q_A_FORMAT_QMAP_VERSION: u32, enum qmi_wwan_q_qmap_version
 * @QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE: u32, bytes; set: the agreed DL aggregate
 *	size, up to 65536. URBs grow to it and never shrink
 * @QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS: u32, packets in an UL transfer; 0
 *	and 1: no aggregation
 * @QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE: u32, bytes in an UL transfer, up to 65536
 *	and no less than a packet of the largest MTU with its framing; ignored,
 *	and told as 0, without aggregation
 * @QMI_WWAN_Q_A_FORMAT_DL_PADDING: u32, bytes that the module inserts before
 *	each DL packet, up to 255; QMAP v5
 */
enum qmi_wwan_q_a_format {
	QMI_WWAN_Q_A_FORMAT_LINK_PROTOCOL = 1,
	QMI_WWAN_Q_A_FORMAT_QMAP_VERSION,
	QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE,
	QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS,
	QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE,
	QMI_WWAN_Q_A_FORMAT_DL_PADDING,

	__QMI_WWAN_Q_A_FORMAT_MAX,
	QMI_WWAN_Q_A_FORMAT_MAX = __QMI_WWAN_Q_A_FORMAT_MAX - 1
};

/**
 * enum qmi_wwan_q_a_pdn - a netdev that carries packets
 * @QMI_WWAN_Q_A_PDN_MUX_ID: u32, 1 to 254; 0 in mode 0
 * @QMI_WWAN_Q_A_PDN_IFINDEX: u32; not told, nor the name, while the netdev is
 *	in a network namespace other than the master's
 * @QMI_WWAN_Q_A_PDN_IFNAME: string
 * @QMI_WWAN_Q_A_PDN_LINK: u32, 1 up, 0 down
 * @QMI_WWAN_Q_A_PDN_FLOW_OFF: flag: the module has stopped the UL
 */
enum qmi_wwan_q_a_pdn {
	QMI_WWAN_Q_A_PDN_MUX_ID = 1,
	QMI_WWAN_Q_A_PDN_IFINDEX,
	QMI_WWAN_Q_A_PDN_IFNAME,
	QMI_WWAN_Q_A_PDN_LINK,
	QMI_WWAN_Q_A_PDN_FLOW_OFF,

	__QMI_WWAN_Q_A_PDN_MAX,
	QMI_WWAN_Q_A_PDN_MAX = __QMI_WWAN_Q_A_PDN_MAX - 1
};

/**
 * enum qmi_wwan_q_ifla - link attributes of a mux netdev (IFLA_INFO_DATA of
 * link kind "qmi_wwan_q")
 * @QMI_WWAN_Q_IFLA_MUX_ID: u32
 */
enum qmi_wwan_q_ifla {
	QMI_WWAN_Q_IFLA_MUX_ID = 1,

	__QMI_WWAN_Q_IFLA_MAX,
	QMI_WWAN_Q_IFLA_MAX = __QMI_WWAN_Q_IFLA_MAX - 1
};

#endif
