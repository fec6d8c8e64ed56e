// SPDX-License-Identifier: GPL-2.0
/*
 * TCP segments of a connection that follow each other in one poll -> one GSO
 * skb.
 *
 * GRO would do the same, but it wants an skb for each segment first. What is
 * made here can be taken apart again into the same packets, so it may be
 * forwarded.
 */
#include <linux/hash.h>
#include <linux/tcp.h>

#include "ip_checksum.h"
#include "qmiq.h"

/* What IPv4's length can say; IPv6's can say more. */
#define QMIQ_MERGE_MAX_LEN	0xffff

static struct qmiq_merge_flow *qmiq_merge_flow(struct qmiq_dev *q, u32 ports)
{
	return &q->rx.flows[hash_32(ports, QMIQ_FLOW_BITS)];
}

/* What is each segment's becomes the one packet's. */
static void qmiq_merge_finish(const struct qmiq_merge_flow *flow)
{
	struct sk_buff *skb = flow->skb;
	void *network = skb->data + ETH_HLEN;
	unsigned int len = skb->len - ETH_HLEN;
	unsigned int header = qmiq_set_ip_len(network, len);

	if (header == sizeof(struct iphdr)) {
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
		if (flow->id_is_fixed)
			skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_FIXEDID;
	} else {
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;
	}
	skb_shinfo(skb)->gso_size = flow->size;
	skb_shinfo(skb)->gso_segs = flow->segments;

	skb_set_transport_header(skb, ETH_HLEN + header);
	tcp_hdr(skb)->psh = flow->last.push;
	tcp_hdr(skb)->check = ~qmiq_transport_sum(network, len - header,
						  IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

static void qmiq_merge_deliver(struct qmiq_dev *q, struct qmiq_merge_flow *flow)
{
	struct sk_buff *skb = flow->skb;

	if (!skb)
		return;
	if (flow->segments > 1)
		qmiq_merge_finish(flow);
	flow->skb = NULL;
	skb->protocol = eth_type_trans(skb, skb->dev);
	qmiq_rx_put_off(q, skb);
}

/**
 * qmiq_merge_deliver_all() - keep nothing back
 * @q: the module
 *
 * Context: NAPI, and at the end of each poll.
 */
void qmiq_merge_deliver_all(struct qmiq_dev *q)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(q->rx.flows); i++)
		qmiq_merge_deliver(q, &q->rx.flows[i]);
}

/**
 * qmiq_merge_deliver_before() - nothing that is kept back may be overtaken
 * @q: the module
 * @packet: a TCP packet that goes its own way
 * @len: bytes
 *
 * Context: NAPI.
 */
void qmiq_merge_deliver_before(struct qmiq_dev *q, const u8 *packet, size_t len)
{
	u32 ports = qmiq_ports(packet, len);

	if (ports)
		qmiq_merge_deliver(q, qmiq_merge_flow(q, ports));
	else
		qmiq_merge_deliver_all(q);
}

static bool qmiq_merge_follows(const struct qmiq_merge_flow *flow,
			       const struct qmiq_port *port, const u8 *packet,
			       const struct qmiq_tcp_segment *next)
{
	const struct qmiq_tcp_segment *last = &flow->last;
	const u8 *head;
	u16 step = next->id - last->id;

	if (!flow->skb || flow->skb->dev != port->netdev ||
	    next->seq != last->seq + last->payload ||
	    next->headers != last->headers || last->push ||
	    last->payload != flow->size || next->payload > flow->size ||
	    flow->skb->len - ETH_HLEN + next->payload > QMIQ_MERGE_MAX_LEN)
		return false;
	head = flow->skb->data + ETH_HLEN;
	if (!qmiq_tcp_same_headers(head, packet, next->headers))
		return false;
	if (head[0] >> 4 == 6)
		return true;
	/*
	 * Segmentation counts the ids up or leaves them all the same, which
	 * they may be where nothing may fragment the packets.
	 */
	if (flow->segments > 1)
		return step == !flow->id_is_fixed;
	return step == 1 || (step == 0 && ((struct iphdr *)head)->frag_off);
}

/* Behind what the skb has: in the same piece of memory as long as that grows. */
static bool qmiq_merge_append(struct qmiq_dev *q, struct qmiq_merge_flow *flow,
			      const u8 *payload, unsigned int len)
{
	int frags = skb_shinfo(flow->skb)->nr_frags;
	unsigned int here = 0;
	void *memory = NULL;

	if (frags)
		here = qmiq_pages_extend(&q->rx.pages, flow->end, len);
	if (here < len) {
		if (frags < MAX_SKB_FRAGS)
			memory = qmiq_pages_take(&q->rx.pages, len - here);
		if (unlikely(!memory))
			return false;
	}
	if (here) {
		memcpy(flow->end, payload, here);
		skb_coalesce_rx_frag(flow->skb, frags - 1, here, here);
		flow->end += here;
	}
	if (memory) {
		len -= here;
		memcpy(memory, payload + here, len);
		skb_add_rx_frag(flow->skb, frags, virt_to_page(memory),
				offset_in_page(memory), len, len);
		flow->end = memory + len;
	}
	return true;
}

/**
 * qmiq_merge_add() - add a segment to what is kept back of its connection
 * @port: the PDN's
 * @packet: a packet
 * @segment: what qmiq_tcp_parse() says of it
 *
 * Context: NAPI.
 * Return: false if there is nothing that it continues, or no memory.
 */
bool qmiq_merge_add(struct qmiq_port *port, const u8 *packet,
		    const struct qmiq_tcp_segment *segment)
{
	struct qmiq_merge_flow *flow = qmiq_merge_flow(port->q, segment->ports);

	if (!qmiq_merge_follows(flow, port, packet, segment) ||
	    !qmiq_merge_append(port->q, flow, packet + segment->headers,
			       segment->payload))
		return false;
	flow->id_is_fixed = segment->id == flow->last.id;
	flow->last = *segment;
	flow->segments++;
	return true;
}

/**
 * qmiq_merge_start() - keep a segment back until the end of the poll
 * @port: the PDN's
 * @skb: Ethernet frame that ends with the TCP header of @packet
 * @packet: a packet
 * @segment: what qmiq_tcp_parse() says of it
 *
 * What was kept back of the connection is delivered.
 *
 * Context: NAPI.
 * Return: false if there is no memory for the payload; @skb is the caller's
 * then.
 */
bool qmiq_merge_start(struct qmiq_port *port, struct sk_buff *skb,
		      const u8 *packet, const struct qmiq_tcp_segment *segment)
{
	struct qmiq_merge_flow *flow = qmiq_merge_flow(port->q, segment->ports);

	qmiq_merge_deliver(port->q, flow);
	flow->skb = skb;
	if (!qmiq_merge_append(port->q, flow, packet + segment->headers,
			       segment->payload)) {
		flow->skb = NULL;
		return false;
	}
	flow->last = *segment;
	flow->size = segment->payload;
	flow->segments = 1;
	return true;
}
