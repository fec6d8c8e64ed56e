// SPDX-License-Identifier: GPL-2.0
/*
 * UDP datagrams of a flow that follow each other in one poll -> one chain of
 * skbs, which the stack carries up to the socket as one and takes apart there.
 *
 * The stack's own rx-gro-list makes the same, but GRO costs a good part of what
 * this saves. Between here and the socket only the first one's headers are
 * looked at and changed, so what is forwarded must not be in a chain: this is a
 * large receive offload (LRO), which the stack switches off where it forwards
 * or bridges.
 */
#include <linux/hash.h>
#include <linux/udp.h>

#include "ip_checksum.h"
#include "qmiq.h"

/* What IPv4's length can say, and the Ethernet header. */
#define QMIQ_CHAIN_MAX_LEN	(0xffff + ETH_HLEN)

static struct qmiq_chain *qmiq_chain_of(struct qmiq_dev *q, u32 ports)
{
	return &q->rx.chains[hash_32(ports, QMIQ_FLOW_BITS)];
}

/* The first one's headers are those of all. */
static void qmiq_chain_finish(const struct qmiq_chain *chain)
{
	struct sk_buff *skb = chain->first;
	void *network = skb->data + ETH_HLEN;
	unsigned int len = skb->len - ETH_HLEN;
	unsigned int header = qmiq_set_ip_len(network, len);
	struct udphdr *udp = network + header;

	udp->len = htons(len - header);
	skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4 | SKB_GSO_FRAGLIST;
	skb_shinfo(skb)->gso_size = chain->size;
	skb_shinfo(skb)->gso_segs = chain->count;
}

static void qmiq_chain_deliver(struct qmiq_dev *q, struct qmiq_chain *chain)
{
	struct sk_buff *skb = chain->first;

	if (!skb)
		return;
	if (chain->count > 1)
		qmiq_chain_finish(chain);
	chain->first = NULL;
	skb->protocol = eth_type_trans(skb, skb->dev);
	qmiq_rx_put_off(q, skb);
}

/**
 * qmiq_chain_deliver_all() - keep nothing back
 * @q: the module
 *
 * Context: NAPI, and at the end of each poll.
 */
void qmiq_chain_deliver_all(struct qmiq_dev *q)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(q->rx.chains); i++)
		qmiq_chain_deliver(q, &q->rx.chains[i]);
	q->rx.chained = false;
}

/**
 * qmiq_chain_deliver_before() - nothing that is kept back may be overtaken
 * @q: the module
 * @packet: an UDP packet that goes its own way
 * @len: bytes
 *
 * Context: NAPI.
 */
void qmiq_chain_deliver_before(struct qmiq_dev *q, const u8 *packet, size_t len)
{
	u32 ports = qmiq_ports(packet, len);

	if (ports)
		qmiq_chain_deliver(q, qmiq_chain_of(q, ports));
	else
		qmiq_chain_deliver_all(q);
}

/*
 * All are of one size but the last, which can be smaller: the stack knows no
 * other chains.
 */
static bool qmiq_chain_follows(const struct qmiq_chain *chain,
			       const struct sk_buff *skb,
			       const struct qmiq_udp_datagram *datagram)
{
	const struct sk_buff *first = chain->first;

	return first && first->dev == skb->dev &&
	       chain->headers == datagram->headers &&
	       chain->last_size == chain->size &&
	       datagram->payload <= chain->size &&
	       first->len + datagram->payload <= QMIQ_CHAIN_MAX_LEN &&
	       qmiq_udp_same_flow(first->data + ETH_HLEN,
				  skb->data + ETH_HLEN);
}

/* Its headers stay in front of the data, which is the payload. */
static void qmiq_chain_append(struct qmiq_chain *chain, struct sk_buff *skb,
			      unsigned int headers)
{
	struct sk_buff *first = chain->first;

	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb_set_transport_header(skb, ETH_HLEN + headers -
				      sizeof(struct udphdr));
	__skb_pull(skb, ETH_HLEN + headers);
	if (chain->last == first)
		skb_shinfo(first)->frag_list = skb;
	else
		chain->last->next = skb;
	first->len += skb->len;
	first->data_len += skb->len;
	first->truesize += skb->truesize;
}

/**
 * qmiq_chain_add() - keep a datagram back until the end of the poll
 * @q: the module
 * @skb: Ethernet frame with it alone, its checksum known to be right
 * @datagram: what qmiq_udp_parse() says of it
 *
 * Context: NAPI.
 */
void qmiq_chain_add(struct qmiq_dev *q, struct sk_buff *skb,
		    const struct qmiq_udp_datagram *datagram)
{
	struct qmiq_chain *chain = qmiq_chain_of(q, datagram->ports);

	if (qmiq_chain_follows(chain, skb, datagram)) {
		qmiq_chain_append(chain, skb, datagram->headers);
		chain->count++;
	} else {
		qmiq_chain_deliver(q, chain);
		chain->first = skb;
		chain->headers = datagram->headers;
		chain->size = datagram->payload;
		chain->count = 1;
		q->rx.chained = true;
	}
	chain->last = skb;
	chain->last_size = datagram->payload;
}
