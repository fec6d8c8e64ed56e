// SPDX-License-Identifier: GPL-2.0
/*
 * DL path, second half: transfer -> MAP frames -> the PDN's netdev.
 *
 * Each packet is copied, into memory that is used again (pages.c), so that the
 * transfer's buffer goes back to the host controller at once.
 */
#include <net/gro.h>

#include "ip_checksum.h"
#include "qmiq.h"

/* Polls without an UDP packet merged after which GRO gets them rarely. */
#define QMIQ_RX_UDP_TRIES	16

static void qmiq_rx_count(struct qmiq_port *port, unsigned int len)
{
	u64_stats_update_begin(&port->rx.sync);
	u64_stats_inc(&port->rx.packets);
	u64_stats_add(&port->rx.bytes, len);
	u64_stats_update_end(&port->rx.sync);
}

static void qmiq_rx_drop(struct qmiq_port *port, enum qmiq_counter reason)
{
	qmiq_count(port->q, reason);
	u64_stats_update_begin(&port->rx.sync);
	u64_stats_inc(&port->rx.dropped);
	u64_stats_update_end(&port->rx.sync);
}

/**
 * qmiq_rx_error() - count what was received and belongs to no PDN
 * @q: the module
 * @reason: of ethtool -S
 *
 * It is an error of the master's.
 *
 * Context: NAPI, or that is disabled.
 */
void qmiq_rx_error(struct qmiq_dev *q, enum qmiq_counter reason)
{
	qmiq_count(q, reason);
	u64_stats_update_begin(&q->master.rx.sync);
	u64_stats_inc(&q->master.rx.errors);
	u64_stats_update_end(&q->master.rx.sync);
}

static struct sk_buff *qmiq_rx_alloc(struct qmiq_dev *q, unsigned int len)
{
	const unsigned int headroom = NET_SKB_PAD + NET_IP_ALIGN;
	unsigned int size = SKB_DATA_ALIGN(headroom + len) +
			    SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	struct sk_buff *skb;
	void *memory;

	if (unlikely(size > PAGE_SIZE)) {
		skb = napi_alloc_skb(&q->napi, len);
		if (skb)
			skb_put(skb, len);
		return skb;
	}
	memory = qmiq_pages_take(&q->rx.pages, size);
	if (unlikely(!memory))
		return NULL;
	skb = napi_build_skb(memory, size);
	if (unlikely(!skb)) {
		skb_free_frag(memory);
		return NULL;
	}
	skb_reserve(skb, headroom);
	__skb_put(skb, len);
	return skb;
}

/* An skb for a frame of @len bytes. */
static struct sk_buff *qmiq_rx_skb(struct qmiq_port *port, unsigned int len)
{
	struct sk_buff *skb;

	if (unlikely(!(port->netdev->flags & IFF_UP))) {
		qmiq_rx_drop(port, QMIQ_RX_PDN_DOWN);
		return NULL;
	}
	skb = qmiq_rx_alloc(port->q, len);
	if (unlikely(!skb)) {
		qmiq_rx_drop(port, QMIQ_RX_NO_MEMORY);
		return NULL;
	}
	skb->dev = port->netdev;
	return skb;
}

/*
 * GRO merges UDP for few receivers only, such as QUIC clients, and costs the
 * others a tenth of all that a packet does. So while nothing comes of it, UDP
 * goes past it in all polls but some. All of a poll goes one way: order is kept.
 */
static bool qmiq_rx_tries_udp(const struct qmiq_rx *rx)
{
	return rx->udp_unmerged < QMIQ_RX_UDP_TRIES ||
	       rx->udp_unmerged % QMIQ_RX_UDP_TRIES == 0;
}

static void qmiq_rx_udp(struct qmiq_dev *q, struct sk_buff *skb)
{
	if (!qmiq_rx_tries_udp(&q->rx))
		qmiq_rx_put_off(q, skb);
	else if (napi_gro_receive(&q->napi, skb) != GRO_NORMAL)
		q->rx.udp_merged = true;
}

/**
 * qmiq_rx_end_poll() - deliver what has been put off until the end of a poll
 * @q: the module
 *
 * Context: NAPI.
 */
void qmiq_rx_end_poll(struct qmiq_dev *q)
{
	struct qmiq_rx *rx = &q->rx;

	qmiq_merge_deliver_all(q);
	if (rx->chained)
		qmiq_chain_deliver_all(q);
	netif_receive_skb_list(&rx->past_gro);
	INIT_LIST_HEAD(&rx->past_gro);
	rx->udp_unmerged = rx->udp_merged ? 0 : rx->udp_unmerged + 1;
	rx->udp_merged = false;
	/* Nothing that GRO still holds may be overtaken from now on. */
	if (rx->udp_unmerged == QMIQ_RX_UDP_TRIES)
		napi_gro_flush(&q->napi, false);
}

static void qmiq_rx_count_datagram(struct qmiq_port *port, unsigned int len)
{
	qmiq_count(port->q, QMIQ_RX_DATAGRAMS);
	qmiq_rx_count(port, len);
}

/* Takes @skb, an Ethernet frame with a packet of that IP protocol. */
static void qmiq_rx_deliver(struct qmiq_port *port, struct sk_buff *skb,
			    u8 protocol)
{
	struct qmiq_dev *q = port->q;

	qmiq_rx_count_datagram(port, skb->len - ETH_HLEN);
	skb->protocol = eth_type_trans(skb, port->netdev);
	switch (protocol) {
	case IPPROTO_TCP: /* merge.c does GRO's work, and order is kept */
		qmiq_rx_put_off(q, skb);
		break;
	case IPPROTO_UDP:
		qmiq_rx_udp(q, skb);
		break;
	default:
		napi_gro_receive(&q->napi, skb);
	}
}

/* A frame with the first @len bytes of @packet; more may follow in fragments. */
static struct sk_buff *qmiq_rx_ip_skb(struct qmiq_port *port, const u8 *packet,
				      size_t len, unsigned int version)
{
	struct sk_buff *skb = qmiq_rx_skb(port, ETH_HLEN + len);
	struct ethhdr *eth;

	if (!skb)
		return NULL;
	eth = (struct ethhdr *)skb->data;
	ether_addr_copy(eth->h_dest, port->netdev->dev_addr);
	ether_addr_copy(eth->h_source, qmiq_modem_mac);
	eth->h_proto = version == 4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	memcpy(eth + 1, packet, len);
	if (port->bridge.enabled)
		qmiq_bridge_rx(port, eth);
	return skb;
}

/*
 * Takes a TCP segment that others may continue, if that is what it is and its
 * checksum is right.
 */
static bool qmiq_rx_merge(struct qmiq_port *port, const u8 *packet, size_t len,
			  unsigned int version, bool csum_ok)
{
	struct qmiq_tcp_segment segment;
	struct sk_buff *skb;

	if (len > PAGE_SIZE || !(port->netdev->features & NETIF_F_GRO) ||
	    !qmiq_tcp_parse(packet, len, &segment) ||
	    (!csum_ok &&
	     !qmiq_checksum_is_right(packet, len, IPPROTO_TCP)))
		return false;
	if (!qmiq_merge_add(port, packet, &segment)) {
		skb = qmiq_rx_ip_skb(port, packet, segment.headers, version);
		if (!skb)
			return true;
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		if (unlikely(!qmiq_merge_start(port, skb, packet, &segment))) {
			kfree_skb(skb);
			qmiq_rx_drop(port, QMIQ_RX_NO_MEMORY);
			return true;
		}
	}
	qmiq_rx_count_datagram(port, len);
	return true;
}

/* Takes an UDP datagram that the socket can get in a chain with others. */
static bool qmiq_rx_chain(struct qmiq_port *port, const u8 *packet, size_t len,
			  unsigned int version, bool csum_ok)
{
	struct qmiq_udp_datagram datagram;
	struct sk_buff *skb;

	if (!(port->netdev->features & NETIF_F_LRO) ||
	    qmiq_rx_tries_udp(&port->q->rx) ||
	    !qmiq_udp_parse(packet, len, &datagram) ||
	    (!csum_ok &&
	     !qmiq_checksum_is_right(packet, len, IPPROTO_UDP)))
		return false;
	skb = qmiq_rx_ip_skb(port, packet, len, version);
	if (!skb)
		return true;
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	qmiq_chain_add(port->q, skb, &datagram);
	qmiq_rx_count_datagram(port, len);
	return true;
}

/* @csum_ok: the modem vouches for the transport checksum. */
static void qmiq_rx_ip(struct qmiq_port *port, const u8 *packet, size_t len,
		       unsigned int version, bool csum_ok)
{
	u8 protocol = version == 4 ? packet[9] : packet[6];
	struct sk_buff *skb;

	csum_ok = csum_ok && port->netdev->features & NETIF_F_RXCSUM &&
		  qmap_csum_covers(packet);
	if (protocol == IPPROTO_TCP) {
		if (qmiq_rx_merge(port, packet, len, version, csum_ok))
			return;
		qmiq_merge_deliver_before(port->q, packet, len);
	} else if (protocol == IPPROTO_UDP) {
		if (qmiq_rx_chain(port, packet, len, version, csum_ok))
			return;
		if (unlikely(port->q->rx.chained))
			qmiq_chain_deliver_before(port->q, packet, len);
	}
	skb = qmiq_rx_ip_skb(port, packet, len, version);
	if (!skb)
		return;
	skb->ip_summed = csum_ok ? CHECKSUM_UNNECESSARY : CHECKSUM_NONE;
	qmiq_rx_deliver(port, skb, protocol);
}

static bool qmiq_is_ethernet(const struct qmiq_port *port, const u8 *frame,
			     size_t len)
{
	const struct ethhdr *eth = (const struct ethhdr *)frame;

	return len > ETH_HLEN &&
	       (eth->h_proto == htons(ETH_P_IP) ||
		eth->h_proto == htons(ETH_P_IPV6) ||
		eth->h_proto == htons(ETH_P_ARP)) &&
	       (is_multicast_ether_addr(eth->h_dest) ||
		ether_addr_equal(eth->h_dest, qmiq_modem_mac) ||
		ether_addr_equal(eth->h_dest, port->netdev->dev_addr));
}

static void qmiq_rx_ethernet(struct qmiq_port *port, const u8 *frame,
			     size_t len)
{
	struct sk_buff *skb = qmiq_rx_skb(port, len);
	struct ethhdr *eth;

	if (!skb)
		return;
	eth = memcpy(skb->data, frame, len);
	/* Some firmware writes an address of its own, or rubbish, here. */
	if (!is_multicast_ether_addr(eth->h_dest))
		ether_addr_copy(eth->h_dest, port->netdev->dev_addr);
	if (!is_valid_ether_addr(eth->h_source))
		ether_addr_copy(eth->h_source, qmiq_modem_mac);
	if (port->bridge.enabled)
		qmiq_bridge_rx(port, eth);
	qmiq_control_hear_ethernet(port->q, eth->h_source);
	qmiq_rx_deliver(port, skb, IPPROTO_RAW);
}

/* Mode 0: the transfer is one packet, or one Ethernet frame. */
static void qmiq_rx_single(struct qmiq_dev *q, const u8 *data, size_t len)
{
	unsigned int version = qmap_ip_version(data, len);

	if (version) {
		qmiq_control_hear_ip(q);
		qmiq_rx_ip(&q->master, data, len, version, false);
	} else if (qmiq_is_ethernet(&q->master, data, len) ||
		   (q->ethernet && len > ETH_HLEN)) {
		qmiq_rx_ethernet(&q->master, data, len);
	} else {
		qmiq_rx_error(q, QMIQ_RX_NOT_IP);
	}
}

static void qmiq_rx_command(struct qmiq_dev *q, const struct qmap_frame *frame)
{
	struct qmiq_port *port;
	bool off;

	if (frame->len < QMAP_CMD_MIN_LEN || frame->len > QMAP_CMD_MAX_LEN) {
		qmiq_rx_error(q, QMIQ_RX_BAD_COMMAND);
		return;
	}
	/* An answer: this side asks nothing. */
	if ((frame->payload[1] & QMAP_CMD_TYPE_MASK) != QMAP_CMD_REQUEST) {
		qmiq_count(q, QMIQ_RX_UNKNOWN_COMMAND);
		return;
	}

	switch (frame->payload[0]) {
	case QMAP_CMD_FLOW_DISABLE:
		off = true;
		break;
	case QMAP_CMD_FLOW_ENABLE:
		off = false;
		break;
	default:
		qmiq_count(q, QMIQ_RX_UNKNOWN_COMMAND);
		qmiq_tx_answer(q, frame, QMAP_CMD_UNSUPPORTED);
		return;
	}

	port = rcu_dereference_bh(q->by_mux[frame->mux_id]);
	if (!port) {
		qmiq_rx_error(q, QMIQ_RX_UNKNOWN_MUX);
		qmiq_tx_answer(q, frame, QMAP_CMD_INVALID);
		return;
	}
	qmiq_count(q, off ? QMIQ_RX_FLOW_DISABLE : QMIQ_RX_FLOW_ENABLE);
	qmiq_tx_set_flow(port, off);
	qmiq_tx_answer(q, frame, QMAP_CMD_ACK);
}

static void qmiq_rx_frame(struct qmiq_dev *q, const struct qmap_frame *frame)
{
	unsigned int version;
	struct qmiq_port *port;

	if (frame->command) {
		qmiq_rx_command(q, frame);
		return;
	}
	port = rcu_dereference_bh(q->by_mux[frame->mux_id]);
	if (unlikely(!port)) {
		qmiq_rx_error(q, QMIQ_RX_UNKNOWN_MUX);
		return;
	}
	version = qmap_ip_version(frame->payload, frame->len);
	if (unlikely(!version)) {
		qmiq_rx_drop(port, QMIQ_RX_NOT_IP);
		return;
	}
	qmiq_rx_ip(port, frame->payload, frame->len, version, frame->csum_ok);
}

/* Returns the number of frames, good or bad. */
static int qmiq_rx_aggregate(struct qmiq_dev *q, const u8 *data, size_t len)
{
	static const enum qmiq_counter reason[] = {
		[QMAP_BAD_LENGTH] = QMIQ_RX_BAD_LENGTH,
		[QMAP_BAD_PAD] = QMIQ_RX_BAD_PAD,
		[QMAP_BAD_V5_TYPE] = QMIQ_RX_BAD_V5_TYPE,
		[QMAP_CUT_HEADER] = QMIQ_RX_CUT_HEADER,
		[QMAP_CUT_FRAME] = QMIQ_RX_CUT_FRAME,
	};
	struct qmap_walk walk = {
		.pos = data,
		.left = len,
		.version = READ_ONCE(q->version),
		.dl_padding = READ_ONCE(q->format.dl_padding),
	};
	struct qmap_frame frame;
	enum qmap_result result;
	int frames = 0;

	while ((result = qmap_next(&walk, &frame)) != QMAP_END) {
		frames++;
		if (likely(result == QMAP_FRAME))
			qmiq_rx_frame(q, &frame);
		else
			qmiq_rx_error(q, reason[result]);
	}
	return frames;
}

/* The transfer is for what is stacked on the master, which walks it. */
static void qmiq_rx_pass(struct qmiq_dev *q, const u8 *data, size_t len)
{
	struct sk_buff *skb = qmiq_rx_skb(&q->master, len);

	if (!skb)
		return;
	memcpy(skb->data, data, len);
	skb_reset_mac_header(skb);
	skb->protocol = htons(ETH_P_MAP);
	qmiq_rx_count(&q->master, len);
	netif_receive_skb(skb);
}

/**
 * qmiq_rx_transfer() - take a transfer apart
 * @q: the module
 * @data: its bytes
 * @len: how many, more than none
 *
 * Context: NAPI; see qmiq_rx_end_poll().
 * Return: how many frames were in it, good or bad; at least 1.
 */
int qmiq_rx_transfer(struct qmiq_dev *q, const u8 *data, size_t len)
{
	if (READ_ONCE(q->version) != QMAP_NONE)
		return qmiq_rx_aggregate(q, data, len);
	if (q->pass_through)
		qmiq_rx_pass(q, data, len);
	else
		qmiq_rx_single(q, data, len);
	return 1;
}
