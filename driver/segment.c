// SPDX-License-Identifier: GPL-2.0
/*
 * From an skb to packets: as it is, or segment by segment where the stack left
 * the segmentation to the driver (GSO). The payload goes straight into the
 * transfer, so it is copied once and no segment needs an skb of its own.
 */
#include <linux/skbuff.h>
#include <net/tso.h>

#include "ip_checksum.h"
#include "qmiq.h"

/**
 * qmiq_can_segment() - whether qmiq_unsent_put() can take a GSO skb apart
 * @skb: Ethernet frame
 *
 * Not if it has IPv4 options or IPv6 extension headers, of which tso_build_hdr()
 * knows nothing, and in which the address can be that the checksum covers.
 */
bool qmiq_can_segment(const struct sk_buff *skb)
{
	return skb_network_offset(skb) == ETH_HLEN &&
	       skb_network_header_len(skb) ==
		       (skb->protocol == htons(ETH_P_IPV6) ?
				sizeof(struct ipv6hdr) : sizeof(struct iphdr));
}

/**
 * qmiq_unsent_start() - begin with an skb
 * @unsent: none before
 * @skb: what is to be sent; GSO only where qmiq_can_segment() said so
 *
 * Where a checksum starts can be anywhere: packet sockets and taps say it
 * themselves. From the Ethernet header on there is none to complete.
 */
void qmiq_unsent_start(struct qmiq_unsent *unsent, struct sk_buff *skb)
{
	unsent->skb = skb;
	unsent->header = 0;
	unsent->left = 0;
	unsent->csum_start = 0;
	if (skb_is_gso(skb)) {
		unsent->header = tso_start(skb, &unsent->tso);
		unsent->left = skb->len - unsent->header;
		unsent->csum_start = skb_transport_offset(skb);
		unsent->csum_field = skb_is_gso_tcp(skb) ?
				     offsetof(struct tcphdr, check) :
				     offsetof(struct udphdr, check);
	} else if (skb->ip_summed == CHECKSUM_PARTIAL &&
		   skb_checksum_start_offset(skb) >= ETH_HLEN) {
		unsent->csum_start = skb_checksum_start_offset(skb);
		unsent->csum_field = skb->csum_offset;
	}
}

/* What was the whole skb's is now one segment's, from @network to @end. */
static void qmiq_segment_finish(const struct qmiq_unsent *unsent, u8 *network,
				u8 *end)
{
	u8 *transport = network + skb_network_header_len(unsent->skb);
	u8 protocol = skb_is_gso_tcp(unsent->skb) ? IPPROTO_TCP : IPPROTO_UDP;
	__sum16 *check = (__sum16 *)(transport + unsent->csum_field);

	if (!unsent->tso.ipv6)
		ip_send_check((struct iphdr *)network);
	*check = ~qmiq_transport_sum(network, end - transport, protocol, 0);
}

static void qmiq_segment_put(struct qmiq_unsent *unsent, u8 *dst, u32 offset,
			     u32 len)
{
	u32 header = unsent->header - offset;
	u32 payload = len - header;
	u8 *pos = dst + header;
	char headers[TSO_HEADER_SIZE];

	tso_build_hdr(unsent->skb, headers, &unsent->tso, payload,
		      payload == unsent->left);
	memcpy(dst, headers + offset, header);
	unsent->left -= payload;
	while (payload) {
		u32 piece = min_t(u32, payload, unsent->tso.size);

		memcpy(pos, unsent->tso.data, piece);
		pos += piece;
		payload -= piece;
		tso_build_data(unsent->skb, &unsent->tso, piece);
	}
	qmiq_segment_finish(unsent, dst + ETH_HLEN - offset, dst + len);
}

/**
 * qmiq_unsent_put() - write the next packet
 * @unsent: where it comes from
 * @dst: @len bytes, written
 * @offset: bytes of the Ethernet frame to leave out
 * @len: of what qmiq_unsent_len() says, less @offset; can be less where that is
 *	no segment
 *
 * Where the stack left the transport checksum to the driver, its field holds
 * the sum over the pseudo-header; qmiq_unsent_checksum() completes it.
 */
void qmiq_unsent_put(struct qmiq_unsent *unsent, u8 *dst, u32 offset, u32 len)
{
	if (unsent->header)
		qmiq_segment_put(unsent, dst, offset, len);
	else if (likely(offset + len <= skb_headlen(unsent->skb)))
		memcpy(dst, unsent->skb->data + offset, len);
	else
		skb_copy_bits(unsent->skb, offset, dst, len);
}

/**
 * qmiq_unsent_checksum() - complete the transport checksum of a packet
 * @unsent: where it came from; its csum_start is not 0
 * @dst: the packet, as qmiq_unsent_put() wrote it
 * @offset: as there
 * @len: as there
 */
void qmiq_unsent_checksum(const struct qmiq_unsent *unsent, u8 *dst, u32 offset,
			  u32 len)
{
	u32 start = unsent->csum_start - offset;
	__sum16 sum;

	/* In what was cut off as padding there is nothing to complete. */
	if (start + unsent->csum_field + sizeof(sum) > len)
		return;
	sum = csum_fold(csum_partial(dst + start, len - start, 0));
	if (!sum)
		sum = CSUM_MANGLED_0;
	memcpy(dst + start + unsent->csum_field, &sum, sizeof(sum));
}
