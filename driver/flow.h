/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What decides whether a packet continues another so that the two can travel as
 * one and be taken apart again into what they were, of TCP segments, or into
 * what counts for their receiver, of UDP datagrams: RFC 9293, RFC 768, RFC 791,
 * RFC 8200. Plain bytes, which are hostile; no skb, no kernel.
 */
#ifndef QMIQ_FLOW_H
#define QMIQ_FLOW_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct qmiq_tcp_segment - a segment that carries nothing but data
 * @headers: bytes of the IP and the TCP header
 * @payload: bytes behind them, never 0
 * @ports: qmiq_ports()
 * @seq: sequence number
 * @id: of an IPv4 packet; 0 for IPv6
 * @push: last of what its sender wrote: nothing continues it
 */
struct qmiq_tcp_segment {
	__u16 headers;
	__u16 payload;
	__u32 ports;
	__u32 seq;
	__u16 id;
	bool push;
};

/**
 * struct qmiq_udp_datagram - a whole datagram in one packet
 * @headers: bytes of the IP and the UDP header
 * @payload: bytes behind them, never 0
 * @ports: qmiq_ports()
 */
struct qmiq_udp_datagram {
	__u16 headers;
	__u16 payload;
	__u32 ports;
};

/**
 * qmiq_ports() - both ports of a TCP or UDP packet
 * @packet: one that has a qmap_ip_version() and says that it is one of these
 * @len: bytes
 *
 * Return: a number that is the same for all plain packets of a flow; 0 where
 * options, extension headers or fragmentation are in the way.
 */
__u32 qmiq_ports(const __u8 *packet, size_t len);

/**
 * qmiq_tcp_parse() - look at a packet
 * @packet: as for qmiq_ports(), and TCP
 * @len: bytes
 * @segment: filled in
 *
 * Return: false if it must stay by itself: it has no data, or flags other than
 * ACK and PSH, or options of IP; or its lengths or its IPv4 checksum are wrong.
 */
bool qmiq_tcp_parse(const __u8 *packet, size_t len,
		    struct qmiq_tcp_segment *segment);

/**
 * qmiq_tcp_same_headers() - whether two segments differ in nothing that counts
 * @one: a packet that qmiq_tcp_parse() accepted
 * @other: another one, with as many bytes of headers
 * @headers: that number
 *
 * What may differ is length, IPv4 id, checksums, sequence number and PSH.
 */
bool qmiq_tcp_same_headers(const __u8 *one, const __u8 *other, size_t headers);

/**
 * qmiq_udp_parse() - look at a packet
 * @packet: as for qmiq_ports(), and UDP
 * @len: bytes
 * @datagram: filled in
 *
 * Return: false if it must stay by itself: it has no data, or options of IP; or
 * its lengths or its IPv4 checksum are wrong.
 */
bool qmiq_udp_parse(const __u8 *packet, size_t len,
		    struct qmiq_udp_datagram *datagram);

/**
 * qmiq_udp_same_flow() - whether two datagrams have the same receiver, and
 * whatever else it is told of them is the same
 * @one: a packet that qmiq_udp_parse() accepted
 * @other: another one, of the same IP version
 *
 * What may differ is lengths, IPv4 id and checksums.
 */
bool qmiq_udp_same_flow(const __u8 *one, const __u8 *other);

#ifdef __cplusplus
}
#endif

#endif
