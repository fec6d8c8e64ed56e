/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Internal structures of qmi_wwan_q, and what its files offer each other.
 *
 *	abi_vendor.c abi_qmi.c netlink.c ethtool.c   who asks; sysfs.c has what
 *	         \      |      |     /               files of both have in common
 *	              control.c            every change of state; has netlink.c
 *	        /   |    \                  tell of it
 *	rx_urb.c   mux.c   tx.c            data path
 *	    |      /    \   |  \
 *	  rx.c  bridge.c \  |  segment.c   GSO
 *	   | \  \         \ |
 *	   |  \  \------- qmap.c          wire codec
 *	   | merge.c chain.c -- flow.c    TCP segments, UDP datagrams of one flow
 *	pages.c                            memory
 *
 * main.c and device.c tie them to USB. Locks:
 *
 *	RTNL		configuration (qmiq_dev::mode to ::link_state), list of PDNs
 *	qmiq_dev::urbs	which URBs there are; suspend and reset against open
 *	qmiq_tx::lock	UL aggregate, its slots, queue and flow state; framing
 *			and format; changes of the list of PDNs; BH
 *	qmiq_rx::lock	lists of DL URBs; interrupts off
 *	qmiq_tx::done_lock	completed UL URBs; interrupts off
 *
 * qmiq_dev::by_mux is read under RCU. The DL path is a single NAPI context.
 */
#ifndef QMIQ_H
#define QMIQ_H

/* First, as linux/dynamic_queue_limits.h of Linux 6.8 and later needs it. */
#include <linux/jiffies.h>

#include <linux/completion.h>
#include <linux/dynamic_queue_limits.h>
#include <linux/etherdevice.h>
#include <linux/interrupt.h>
#include <linux/mii.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/u64_stats_sync.h>
#include <linux/usb.h>
#include <linux/usb/usbnet.h>
#include <linux/workqueue.h>
#include <net/busy_poll.h>
#include <net/tso.h>

#include "compat/compat.h"
#include "qmap.h"
#include "flow.h"
#include "uapi/linux/qmi_wwan_q.h"

#define QMIQ_MAX_PDN		QMI_WWAN_Q_MAX_PDN
/* DL URB of a module that sends one packet a transfer, as the vendor's. */
#define QMIQ_RAW_URB_SIZE	1520
#define QMIQ_MIN_MTU		ETH_MIN_MTU
#define QMIQ_MAX_MTU		32768
#define QMIQ_MIN_MUX_ID		1
#define QMIQ_MAX_MUX_ID		254
/* Endpoint type as WDA codes it. */
#define QMIQ_EP_HSUSB		2
/* Transfers larger than this are refused or not made use of. */
#define QMIQ_MAX_RX_SIZE	65536
#define QMIQ_MAX_TX_SIZE	(QMIQ_MAX_MTU + QMAP_MAX_OVERHEAD)

struct netlink_ext_ack;
struct qmiq_dev;

/**
 * struct qmiq_family - what modules of one chip generation have in common
 * @name: for messages
 * @version: QMAP version; QMAP_NONE for modules without QMAP
 * @dl_size: DL aggregate size to ask for, bytes
 * @qmap_only: has no unaggregated mode (5G)
 * @ethernet: 802.3 instead of RawIP
 */
struct qmiq_family {
	const char *name;
	enum qmap_version version;
	u32 dl_size;
	bool qmap_only;
	bool ethernet;
};

/* Named counters of ethtool -S; qmiq_counter_names[] in ethtool.c. */
enum qmiq_counter {
	QMIQ_RX_TRANSFERS,
	QMIQ_RX_DATAGRAMS,
	QMIQ_RX_EMPTY_TRANSFER,
	QMIQ_RX_CUT_HEADER,
	QMIQ_RX_CUT_FRAME,
	QMIQ_RX_BAD_LENGTH,
	QMIQ_RX_BAD_PAD,
	QMIQ_RX_BAD_V5_TYPE,
	QMIQ_RX_UNKNOWN_MUX,
	QMIQ_RX_NOT_IP,
	QMIQ_RX_PDN_DOWN,
	QMIQ_RX_NO_MEMORY,
	QMIQ_RX_DISCARDED,
	QMIQ_RX_BABBLE,
	QMIQ_RX_STALL,
	QMIQ_RX_URB_ERROR,
	QMIQ_RX_FLOW_DISABLE,
	QMIQ_RX_FLOW_ENABLE,
	QMIQ_RX_UNKNOWN_COMMAND,
	QMIQ_RX_BAD_COMMAND,
	QMIQ_TX_TRANSFERS,
	QMIQ_TX_DATAGRAMS,
	QMIQ_TX_NOT_IP,
	QMIQ_TX_TOO_LONG,
	QMIQ_TX_NO_PDN,
	QMIQ_TX_PDN_DOWN,
	QMIQ_TX_NO_MEMORY,
	QMIQ_TX_DISCARDED,
	QMIQ_TX_STALL,
	QMIQ_TX_URB_ERROR,
	QMIQ_TX_ANSWERS,
	QMIQ_TX_ANSWER_DROPPED,
	QMIQ_NR_COUNTERS
};

struct qmiq_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t errors;
	u64_stats_t dropped;
	struct u64_stats_sync sync;
};

/**
 * struct qmiq_bridge - hand-over of a PDN's address to a bridged LAN client
 * @enabled: the switch; written under RTNL
 * @ipv4: the PDN's address; 0 if not told; written under RTNL
 * @lock: protects @client and @known
 * @client: MAC of the LAN host that uses @ipv4, learned from what it sends
 * @known: @client is valid
 */
struct qmiq_bridge {
	bool enabled;
	__be32 ipv4;
	spinlock_t lock;
	u8 client[ETH_ALEN];
	bool known;
};

/**
 * struct qmiq_unsent - what is still to be sent of an skb
 * @skb: NULL: nothing
 * @header: GSO: bytes from the Ethernet to the transport header, which each
 *	segment gets; else 0
 * @left: GSO: bytes of payload
 * @csum_start: offset in @skb of what the driver or the module has to compute a
 *	checksum over; 0: neither has
 * @csum_field: offset from there of the checksum
 * @tso: GSO: position in the payload
 */
struct qmiq_unsent {
	struct sk_buff *skb;
	u32 header;
	u32 left;
	u16 csum_start;
	u16 csum_field;
	struct tso_t tso;
};

/**
 * struct qmiq_port - a netdev that carries the packets of one PDN
 * @q: the module
 * @netdev: master in modes 0 and 1, else a mux netdev
 * @mux_id: 0 without QMAP
 * @link: the PDN's call is up, or not known to be down; under RTNL
 * @attached: packets pass; a master with mux netdevs is not; under
 *	qmiq_tx::lock
 * @flow_off: the modem wants no packets; under qmiq_tx::lock
 * @unsent: packets that found no room; the queue is stopped as long as there
 *	are any; under qmiq_tx::lock
 * @rx: written by the NAPI context
 * @tx: written under qmiq_tx::lock
 * @bridge: hand-over to a LAN client
 */
struct qmiq_port {
	struct qmiq_dev *q;
	struct net_device *netdev;
	u8 mux_id;
	bool link;
	bool attached;
	bool flow_off;
	struct qmiq_unsent unsent;
	struct qmiq_stats rx;
	struct qmiq_stats tx;
	struct qmiq_bridge bridge;
};

/**
 * struct qmiq_pages - ring of pages for received packets
 * @ring: array of @count pages; NULL where none has been needed yet
 * @count: 0 while the master is down
 * @at: index of the page that is being carved up
 * @used: bytes of it
 *
 * The NAPI context's, while that runs.
 */
struct qmiq_pages {
	struct page **ring;
	unsigned int count;
	unsigned int at;
	unsigned int used;
};

/* Flows at once, of TCP and of UDP. */
#define QMIQ_FLOW_BITS		3

/**
 * struct qmiq_merge_flow - TCP segments of a connection that become one skb
 * @skb: what there is of them; NULL if none. It does not outlive the poll.
 * @end: of the payload, in the skb's last fragment
 * @last: the last one
 * @size: payload of each but the last
 * @segments: how many
 * @id_is_fixed: the IPv4 ids are all the same; once there are two @segments
 */
struct qmiq_merge_flow {
	struct sk_buff *skb;
	void *end;
	struct qmiq_tcp_segment last;
	u16 size;
	u16 segments;
	bool id_is_fixed;
};

/**
 * struct qmiq_chain - UDP datagrams of a flow that go up the stack as one
 * @first: NULL if there are none. It does not outlive the poll.
 * @last: the last one; @first if that is all
 * @headers: bytes of each one's IP and UDP header
 * @size: payload of each but the last
 * @last_size: of the last
 * @count: how many
 */
struct qmiq_chain {
	struct sk_buff *first;
	struct sk_buff *last;
	u16 headers;
	u16 size;
	u16 last_size;
	u16 count;
};

/**
 * struct qmiq_rx - DL URBs
 * @lock: protects @done, @idle, @paused, @stall
 * @slots: array of @count
 * @count: 0 while the master is down
 * @done: completed, wait for the NAPI context
 * @idle: neither with the host controller nor done
 * @paused: depth of qmiq_rx_pause()
 * @filled: the last transfer filled its URB, so an empty one ends it
 * @stall: endpoint halted, to be cleared by @recover
 * @recover: puts idle URBs back to work after an error
 * @pages: memory for packets
 * @flows: TCP connections by a hash of their ports, the NAPI context's
 * @chains: UDP flows in the same way
 * @chained: there is something in them
 * @past_gro: packets for the stack that GRO does not get, until the poll's end
 * @udp_merged: GRO has kept or merged an UDP packet in this poll
 * @udp_unmerged: polls since it did
 */
struct qmiq_rx {
	spinlock_t lock;
	struct qmiq_rx_slot *slots;
	unsigned int count;
	struct list_head done;
	struct list_head idle;
	unsigned int paused;
	bool filled;
	bool stall;
	struct delayed_work recover;
	struct qmiq_pages pages;
	struct qmiq_merge_flow flows[1 << QMIQ_FLOW_BITS];
	struct qmiq_chain chains[1 << QMIQ_FLOW_BITS];
	bool chained;
	struct list_head past_gro;
	bool udp_merged;
	unsigned int udp_unmerged;
};

#define QMIQ_MAX_ANSWERS	16

/* Answer to a MUX command, in wire format. */
struct qmiq_answer {
	u8 len;
	u8 frame[QMAP_HDR_LEN + QMAP_CMD_MAX_LEN];
};

/**
 * struct qmiq_tx - UL URBs and the aggregate
 * @lock: protects all below but @done
 * @slots: array of @count
 * @count: 0 while the master is down
 * @free: slots to fill
 * @deferred: filled while the module is asleep, sent on resume
 * @open: slot being filled; NULL if none
 * @in_flight: slots sent or deferred and not yet reclaimed
 * @limit: of the bytes in flight
 * @slot_size: bytes of a transfer at the most
 * @slot_datagrams: packets of it
 * @up: URBs may be submitted
 * @awake: the module is kept so, as there are slots @in_flight
 * @held: depth of qmiq_tx_suspend(); transfers are deferred
 * @stalled: the endpoint is halted, and transfers held back, until @recover
 * @turn: index in qmiq_dev::ports of the port that may restart first
 * @answers: ring of MUX command answers that wait for a slot
 * @answer_head: oldest
 * @answer_count: how many
 * @done_lock: protects @done
 * @done: completed slots that wait for the NAPI context
 * @recover: clears a halt of the endpoint
 */
struct qmiq_tx {
	spinlock_t lock;
	struct qmiq_tx_slot *slots;
	unsigned int count;
	struct list_head free;
	struct list_head deferred;
	struct qmiq_tx_slot *open;
	unsigned int in_flight;
	struct dql limit;
	u32 slot_size;
	u32 slot_datagrams;
	bool up;
	bool awake;
	unsigned int held;
	bool stalled;
	unsigned int turn;
	struct qmiq_answer answers[QMIQ_MAX_ANSWERS];
	unsigned int answer_head;
	unsigned int answer_count;
	spinlock_t done_lock;
	struct list_head done;
	struct delayed_work recover;
};

/**
 * struct qmiq_format - data format agreed with the module
 * @ul_max_datagrams: packets in an UL transfer; 1 without aggregation
 * @ul_max_size: bytes in an UL transfer, with aggregation
 * @dl_padding: bytes before each DL packet, v5
 */
struct qmiq_format {
	u32 ul_max_datagrams;
	u32 ul_max_size;
	u32 dl_padding;
};

/**
 * struct qmiq_agreement - what WDA agreed with the module, to be checked
 * @version: QMAP version
 * @rx_urb_size: DL aggregate size; the URBs' only grow
 * @ul_max_datagrams: packets in an UL transfer; 0 and 1: no aggregation
 * @ul_max_size: bytes in an UL transfer; no matter without aggregation
 * @dl_padding: bytes before each DL packet, v5
 */
struct qmiq_agreement {
	u32 version;
	u32 rx_urb_size;
	u32 ul_max_datagrams;
	u32 ul_max_size;
	u32 dl_padding;
};

/**
 * struct qmiq_dev - one module
 * @usbnet: of the master
 * @netdev: the master
 * @header_ops: of the master while it is Ethernet
 * @intf: QMI interface
 * @wdm: cdc-wdm, which serves the control channel on the same interface; NULL
 *	while that is reset
 * @notifications: the interrupt endpoint, which is cdc-wdm's
 * @family: fixed at probe
 * @mode: 0 no QMAP, 1 QMAP on the master, N QMAP on mux netdevs, of which
 *	setting the mode makes N; also under qmiq_tx::lock
 * @home: mode once the last mux netdev is deleted
 * @version: QMAP version in use; QMAP_NONE in mode 0
 * @ethernet: 802.3 frames instead of RawIP, mode 0
 * @told_ethernet: @ethernet as long as the module sends nothing else; by its
 *	family, or as user space said, also where @mode leaves no choice
 * @pass_through: transfers go between the module and what is stacked on the
 *	master (rmnet) as they are; then @version is QMAP_NONE
 * @peer_mac: 802.3: the module's address
 * @started: all netdevs are there, and the module's arrival has been told
 * @leaving: the module is going, the master opens no more
 * @rx_urb_size: bytes of a DL URB
 * @link_state: of @ports: bit n-1 is mux id 0x80 + n; bit 0 in modes 0 and 1
 * @agreed: @format is what WDA agreed, not what it is at the start; under
 *	qmiq_tx::lock
 * @format: UL and DL format in use; under qmiq_tx::lock
 * @master: port of the master
 * @ports: the attached ones, with holes; written under RTNL and
 *	qmiq_tx::lock, RCU
 * @by_mux: the same by mux id
 * @gone_rx: what mux netdevs received that were deleted; under RTNL
 * @gone_tx: what they sent
 * @changed: has it told that the module itself changed the format
 * @napi: DL and UL completion; on the master
 * @kick: schedules @napi where a completion can't
 * @flush: GRO is asked to hold nothing back, which sets @flushed
 * @flushed: see qmiq_flush()
 * @urbs: held while URBs are allocated, freed, paused or resumed: RTNL does
 *	not keep a reset out. Taken under RTNL, and with the module awake
 * @rx: DL URBs
 * @tx: UL URBs
 * @counters: of ethtool -S; RX ones by the NAPI context, TX under tx.lock
 */
struct qmiq_dev {
	struct usbnet *usbnet;
	struct net_device *netdev;
	const struct header_ops *header_ops;
	struct usb_interface *intf;
	struct usb_driver *wdm;
	struct usb_endpoint_descriptor *notifications;
	const struct qmiq_family *family;

	unsigned int mode;
	unsigned int home;
	enum qmap_version version;
	bool ethernet;
	bool told_ethernet;
	bool pass_through;
	bool started;
	bool leaving;
	u8 peer_mac[ETH_ALEN];
	u32 rx_urb_size;
	u32 link_state;
	bool agreed;
	struct qmiq_format format;

	struct qmiq_port master;
	struct qmiq_port __rcu *ports[QMIQ_MAX_PDN];
	struct qmiq_port __rcu *by_mux[256];
	struct qmiq_stats gone_rx;
	struct qmiq_stats gone_tx;
	struct delayed_work changed;

	struct napi_struct napi;
	struct tasklet_struct kick;
	bool flush;
	struct completion flushed;
	struct mutex urbs;
	struct qmiq_rx rx;
	struct qmiq_tx tx;
	unsigned long counters[QMIQ_NR_COUNTERS];
};

static inline void qmiq_count_many(struct qmiq_dev *q,
				   enum qmiq_counter counter,
				   unsigned int count)
{
	WRITE_ONCE(q->counters[counter], q->counters[counter] + count);
}

static inline void qmiq_count(struct qmiq_dev *q, enum qmiq_counter counter)
{
	qmiq_count_many(q, counter, 1);
}

/* The module behind a usbnet; NULL before bind and after unbind. */
static inline struct qmiq_dev *qmiq_of(const struct usbnet *dev)
{
	return (struct qmiq_dev *)dev->data[0];
}

static inline struct qmiq_dev *qmiq_of_master(struct net_device *netdev)
{
	return qmiq_of(netdev_priv(netdev));
}

/* What is in a place of qmiq_dev::ports, or NULL; RTNL or tx.lock held. */
static inline struct qmiq_port *qmiq_port_at(const struct qmiq_dev *q,
					     unsigned int i)
{
	return rcu_dereference_protected(q->ports[i],
					 lockdep_is_held(&q->tx.lock) ||
					 lockdep_rtnl_is_held());
}

/* The port of a mux id, or NULL; RTNL held. */
static inline struct qmiq_port *qmiq_port_by_mux(const struct qmiq_dev *q,
						 u8 mux_id)
{
	return rcu_dereference_protected(q->by_mux[mux_id],
					 lockdep_rtnl_is_held());
}

/* main.c: module parameters */
extern uint qmiq_param_mode;
extern char *qmiq_param_separator;
extern uint qmiq_param_bridge_mode;

/* device.c */
extern const u8 qmiq_modem_mac[ETH_ALEN];
struct qmiq_dev *qmiq_create(struct usbnet *dev, struct usb_interface *intf);
void qmiq_destroy(struct qmiq_dev *q);
void qmiq_kick(struct qmiq_dev *q);
void qmiq_flush(struct qmiq_dev *q);
void qmiq_halt(struct qmiq_dev *q);
void qmiq_go_on(struct qmiq_dev *q);
int qmiq_open(struct net_device *master);
int qmiq_stop(struct net_device *master);
int qmiq_suspend(struct usb_interface *intf, pm_message_t message);
int qmiq_resume(struct usb_interface *intf);
int qmiq_reset_resume(struct usb_interface *intf);
int qmiq_pre_reset(struct usb_interface *intf);
int qmiq_post_reset(struct usb_interface *intf);

/* mux.c */
void qmiq_port_init(struct qmiq_port *port, struct qmiq_dev *q,
		    struct net_device *netdev, u8 mux_id);
struct qmiq_port *qmiq_port_of(struct net_device *netdev);
bool qmiq_is_master(const struct net_device *netdev);
unsigned int qmiq_largest_mtu(const struct qmiq_dev *q);
void qmiq_master_setup(struct qmiq_dev *q);
void qmiq_master_set_arp(struct qmiq_dev *q, bool arp);
int qmiq_master_set_type(struct qmiq_dev *q, bool map);
void qmiq_port_attach(struct qmiq_port *port);
void qmiq_port_detach(struct qmiq_port *port);
struct qmiq_port *qmiq_mux_create(struct qmiq_dev *q, u8 mux_id);
void qmiq_mux_destroy(struct qmiq_port *port, struct list_head *list);
void qmiq_mux_close_all(struct qmiq_dev *q);
int qmiq_mux_register(void);
void qmiq_mux_unregister(void);

/* control.c */
void qmiq_control_init(struct qmiq_dev *q, unsigned int mode);
int qmiq_control_start(struct qmiq_dev *q);
void qmiq_control_stop(struct qmiq_dev *q);
int qmiq_control_check(const struct qmiq_dev *q,
		       struct netlink_ext_ack *extack);
int qmiq_control_set_mode(struct qmiq_dev *q, unsigned int mode,
			  struct netlink_ext_ack *extack);
int qmiq_control_add_mux(struct qmiq_dev *q, u32 mux_id,
			 struct netlink_ext_ack *extack);
int qmiq_control_del_mux(struct qmiq_dev *q, u32 mux_id,
			 struct netlink_ext_ack *extack);
void qmiq_control_del_port(struct qmiq_port *port, struct list_head *list);
int qmiq_control_set_link(struct qmiq_dev *q, u32 value);
int qmiq_control_set_mux_link(struct qmiq_dev *q, u8 mux_id, bool up,
			      struct netlink_ext_ack *extack);
void qmiq_control_get_format(const struct qmiq_dev *q,
			     struct qmiq_agreement *agreement);
int qmiq_control_set_format(struct qmiq_dev *q,
			    const struct qmiq_agreement *agreement,
			    struct netlink_ext_ack *extack);
int qmiq_control_get_info(struct qmiq_dev *q, struct qmi_wwan_q_info *info);
void qmiq_control_forget(struct qmiq_dev *q);
int qmiq_control_set_mtu(struct qmiq_port *port, int mtu);
void qmiq_control_hear_ethernet(struct qmiq_dev *q, const u8 *source);
void qmiq_control_hear_ip(struct qmiq_dev *q);
int qmiq_control_set_bridge_mode(struct qmiq_port *port, u32 enabled);
int qmiq_control_set_bridge_ipv4(struct qmiq_port *port, u32 address);
int qmiq_control_set_raw_ip(struct qmiq_port *port, u32 raw_ip);
int qmiq_control_set_pass_through(struct qmiq_port *port, u32 on);

/* rx.c */

/**
 * qmiq_rx_put_off() - deliver at the end of the poll, past GRO
 * @q: the module
 * @skb: ready for the stack
 */
static inline void qmiq_rx_put_off(struct qmiq_dev *q, struct sk_buff *skb)
{
	skb_mark_napi_id(skb, &q->napi);
	list_add_tail(&skb->list, &q->rx.past_gro);
}

void qmiq_rx_error(struct qmiq_dev *q, enum qmiq_counter reason);
int qmiq_rx_transfer(struct qmiq_dev *q, const u8 *data, size_t len);
void qmiq_rx_end_poll(struct qmiq_dev *q);

/* rx_urb.c */
void qmiq_rx_init(struct qmiq_dev *q);
int qmiq_rx_start(struct qmiq_dev *q);
void qmiq_rx_stop(struct qmiq_dev *q);
void qmiq_rx_pause(struct qmiq_dev *q);
void qmiq_rx_resume(struct qmiq_dev *q);
void qmiq_rx_discard(struct qmiq_dev *q);
int qmiq_rx_poll(struct qmiq_dev *q, int budget);

/* pages.c */
int qmiq_pages_init(struct qmiq_pages *pages, unsigned int size);
void qmiq_pages_free(struct qmiq_pages *pages);
void *qmiq_pages_take(struct qmiq_pages *pages, unsigned int size);
unsigned int qmiq_pages_extend(struct qmiq_pages *pages, const void *end,
			       unsigned int size);

/* merge.c */
bool qmiq_merge_add(struct qmiq_port *port, const u8 *packet,
		    const struct qmiq_tcp_segment *segment);
bool qmiq_merge_start(struct qmiq_port *port, struct sk_buff *skb,
		      const u8 *packet, const struct qmiq_tcp_segment *segment);
void qmiq_merge_deliver_before(struct qmiq_dev *q, const u8 *packet, size_t len);
void qmiq_merge_deliver_all(struct qmiq_dev *q);

/* chain.c */
void qmiq_chain_add(struct qmiq_dev *q, struct sk_buff *skb,
		    const struct qmiq_udp_datagram *datagram);
void qmiq_chain_deliver_before(struct qmiq_dev *q, const u8 *packet, size_t len);
void qmiq_chain_deliver_all(struct qmiq_dev *q);

/* segment.c */
bool qmiq_can_segment(const struct sk_buff *skb);
void qmiq_unsent_start(struct qmiq_unsent *unsent, struct sk_buff *skb);
void qmiq_unsent_put(struct qmiq_unsent *unsent, u8 *dst, u32 offset, u32 len);
void qmiq_unsent_checksum(const struct qmiq_unsent *unsent, u8 *dst, u32 offset,
			  u32 len);

/**
 * qmiq_unsent_len() - bytes of the next packet, its Ethernet header included
 * @unsent: not empty
 */
static inline u32 qmiq_unsent_len(const struct qmiq_unsent *unsent)
{
	return unsent->header ?
	       unsent->header + min_t(u32, unsent->left,
				      skb_shinfo(unsent->skb)->gso_size) :
	       unsent->skb->len;
}

/* tx.c */
void qmiq_tx_init(struct qmiq_dev *q);
int qmiq_tx_start(struct qmiq_dev *q);
void qmiq_tx_stop(struct qmiq_dev *q);
void qmiq_tx_free(struct qmiq_dev *q);
void qmiq_tx_go_on(struct qmiq_dev *q);
int qmiq_tx_suspend(struct qmiq_dev *q, bool only_if_idle);
void qmiq_tx_resume(struct qmiq_dev *q);
void qmiq_tx_configure(struct qmiq_dev *q);
void qmiq_tx_reclaim(struct qmiq_dev *q);
void qmiq_tx_answer(struct qmiq_dev *q, const struct qmap_frame *request,
		    u8 type);
void qmiq_tx_set_flow(struct qmiq_port *port, bool off);
void qmiq_tx_forget(struct qmiq_dev *q);
bool qmiq_tx_drop_unsent(struct qmiq_port *port);
void qmiq_tx_stop_port(struct qmiq_port *port);
netdev_tx_t qmiq_tx_packet(struct qmiq_port *port, struct sk_buff *skb);
void qmiq_tx_end_batch(struct qmiq_dev *q);

/* bridge.c */
void qmiq_bridge_init(struct qmiq_bridge *bridge);
bool qmiq_bridge_tx(struct qmiq_port *port, struct sk_buff *skb);
void qmiq_bridge_rx(struct qmiq_port *port, struct ethhdr *eth);

/* sysfs.c */
enum qmiq_attribute_type {
	QMIQ_NUMBER,	/* in any base */
	QMIQ_HEX,	/* with 0x or without */
	QMIQ_FLAG,	/* Y or N, as kstrtobool() has it */
};

/**
 * struct qmiq_attribute - a file of a netdev
 * @attr: the driver core's part
 * @type: of what is written
 * @show: value for @buf; no lock held
 * @set: take over a value; RTNL
 */
struct qmiq_attribute {
	struct device_attribute attr;
	enum qmiq_attribute_type type;
	ssize_t (*show)(const struct qmiq_port *port, char *buf);
	int (*set)(struct qmiq_port *port, u32 value);
};

#define QMIQ_ATTRIBUTE_RO(_name, _show)					\
	struct qmiq_attribute qmiq_attr_##_name = {			\
		.attr = __ATTR(_name, 0444, qmiq_attribute_show, NULL),	\
		.show = _show,						\
	}

#define QMIQ_ATTRIBUTE_RW(_name, _type, _show, _set)			\
	struct qmiq_attribute qmiq_attr_##_name = {			\
		.attr = __ATTR(_name, 0644, qmiq_attribute_show,	\
			       qmiq_attribute_store),			\
		.type = _type,						\
		.show = _show,						\
		.set = _set,						\
	}

bool qmiq_may_set(const struct net_device *netdev);
ssize_t qmiq_attribute_show(struct device *dev, struct device_attribute *attr,
			    char *buf);
ssize_t qmiq_attribute_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count);

/* abi_vendor.c */
extern const struct attribute_group qmiq_vendor_master_group;
extern const struct attribute_group qmiq_vendor_mux_group;
int qmiq_vendor_ioctl(struct net_device *master, struct ifreq *ifr,
		      void __user *data, int cmd);

/* abi_qmi.c */
extern const struct attribute_group qmiq_qmi_master_group;
extern const struct attribute_group qmiq_qmi_mux_group;

/* netlink.c */
int qmiq_netlink_register(void);
void qmiq_netlink_unregister(void);
void qmiq_notify_dev(const struct qmiq_dev *q, enum qmi_wwan_q_cmd event);
void qmiq_notify_port(const struct qmiq_port *port, enum qmi_wwan_q_cmd event);

/* ethtool.c */
extern const struct ethtool_ops qmiq_master_ethtool_ops;
extern const struct ethtool_ops qmiq_mux_ethtool_ops;

#endif
