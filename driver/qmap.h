/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QMAP (MAP) wire codec: plain bytes in, plain bytes out. Knows nothing of
 * skbs, netdevs or allocation; the unit tests and fuzzers compile this source
 * as it is.
 *
 * Format (all network byte order): 3GPP modem vendors' MAP as implemented by
 * rmnet; include/linux/if_rmnet.h and rmnet.rst in the kernel describe it.
 *
 *	+-------------+--------------------+---------------------+-----+
 *	| MAP header  | v5 header(s)       | payload             | pad |
 *	| 4 bytes     | 4 bytes each, v5   | one IP packet,      |     |
 *	|             |                    | or a MUX command    |     |
 *	+-------------+--------------------+---------------------+-----+
 *
 * The length in the MAP header counts payload and pad.
 */
#ifndef QMAP_H
#define QMAP_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* As the WDA service codes the aggregation protocol. */
enum qmap_version {
	QMAP_NONE = 0,
	QMAP_V1 = 5,
	QMAP_V5 = 9,
};

/* MAP header: byte 0 flags and pad, 1 mux id, 2-3 length. */
#define QMAP_HDR_LEN		4
#define QMAP_HDR_COMMAND	0x80	/* else data */
#define QMAP_HDR_NEXT		0x40	/* a v5 header follows; reserved before v5 */
#define QMAP_HDR_PAD_MASK	0x3f
/* v5 header: byte 0 type << 1 | next, 1 flags, 2-3 reserved. */
#define QMAP_V5_HDR_LEN		4
#define QMAP_V5_NEXT		0x01
#define QMAP_V5_TYPE_CSUM	2
#define QMAP_V5_CSUM_OK		0x80	/* DL: valid; UL: requested */

#define QMAP_ALIGN		4
/* The most that framing adds to a packet, pad included. */
#define QMAP_MAX_OVERHEAD	(QMAP_HDR_LEN + QMAP_V5_HDR_LEN + QMAP_ALIGN - 1)
/* What the 16-bit length can say, pad included. */
#define QMAP_MAX_PAYLOAD	0xffff

/* Mux ids of PDN 1, 2, ... in the Quectel scheme: 0x81, 0x82, ... */
#define QMAP_MUX_BASE		0x80

/* MUX command: name, type, 2 reserved, 4 transaction id, then name's own. */
#define QMAP_CMD_MIN_LEN	8
#define QMAP_CMD_FLOW_DISABLE	1
#define QMAP_CMD_FLOW_ENABLE	2
#define QMAP_CMD_TYPE_MASK	0x03
#define QMAP_CMD_REQUEST	0
#define QMAP_CMD_ACK		1
#define QMAP_CMD_UNSUPPORTED	2
#define QMAP_CMD_INVALID	3
/* Longest command this side answers; known ones have 16 bytes. */
#define QMAP_CMD_MAX_LEN	64

/**
 * struct qmap_walk - a position in a received transfer
 * @pos: next byte
 * @left: bytes from @pos to the end
 * @version: QMAP version agreed for DL
 * @dl_padding: bytes that the modem puts before each packet in v5 data frames
 */
struct qmap_walk {
	const __u8 *pos;
	size_t left;
	enum qmap_version version;
	size_t dl_padding;
};

/**
 * struct qmap_frame - a well-formed MAP frame, inside the walked buffer
 * @payload: IP packet or MUX command; not checked for being either
 * @len: its bytes, pad and headers not included; at least 1
 * @mux_id: as in the frame
 * @command: MUX command, else data
 * @csum_ok: v5: the modem vouches for the transport checksum
 */
struct qmap_frame {
	const __u8 *payload;
	size_t len;
	__u8 mux_id;
	bool command;
	bool csum_ok;
};

/* What qmap_next() found. After all but the two CUT ones the walk goes on. */
enum qmap_result {
	QMAP_END,		/* no bytes left */
	QMAP_FRAME,		/* *frame is filled in */
	QMAP_BAD_LENGTH,	/* zero bytes of payload */
	QMAP_BAD_PAD,		/* no payload left but padding */
	QMAP_BAD_V5_TYPE,	/* v5 header of a type other than checksum */
	QMAP_CUT_HEADER,	/* the transfer ends within a header */
	QMAP_CUT_FRAME,		/* the length points past the transfer's end */
};

enum qmap_result qmap_next(struct qmap_walk *walk, struct qmap_frame *frame);

/**
 * qmap_header_len() - bytes before the payload in an UL data frame
 * @version: QMAP_V1 or QMAP_V5
 */
static inline size_t qmap_header_len(enum qmap_version version)
{
	return version == QMAP_V5 ? QMAP_HDR_LEN + QMAP_V5_HDR_LEN :
				    QMAP_HDR_LEN;
}

/* Pad bytes that bring @len to the next multiple of four. */
static inline size_t qmap_pad(size_t len)
{
	return -len & (QMAP_ALIGN - 1);
}

/* Bytes that a packet of @len takes in an UL transfer. */
static inline size_t qmap_data_frame_len(enum qmap_version version, size_t len)
{
	return qmap_header_len(version) + len + qmap_pad(len);
}

/* The MAP header of a frame with @len bytes of payload. */
static inline void qmap_put_header(__u8 *dst, __u8 flags, __u8 mux_id,
				   size_t len)
{
	size_t pad = qmap_pad(len);

	dst[0] = flags | pad;
	dst[1] = mux_id;
	dst[2] = (len + pad) >> 8;
	dst[3] = len + pad;
}

/**
 * qmap_put_data_header() - write what comes before an UL packet
 * @dst: qmap_header_len(@version) bytes
 * @version: QMAP_V1 or QMAP_V5
 * @mux_id: the PDN's
 * @len: bytes of the packet, up to QMAP_MAX_PAYLOAD less the pad; the caller
 *	writes it behind the header, and qmap_pad(@len) zero bytes behind it
 * @csum: QMAP_V5: the modem is to compute the transport checksum, see
 *	qmap_csum_covers()
 */
static inline void qmap_put_data_header(__u8 *dst, enum qmap_version version,
					__u8 mux_id, size_t len, bool csum)
{
	qmap_put_header(dst, version == QMAP_V5 ? QMAP_HDR_NEXT : 0, mux_id,
			len);
	if (version != QMAP_V5)
		return;
	dst += QMAP_HDR_LEN;
	dst[0] = QMAP_V5_TYPE_CSUM << 1;
	dst[1] = csum ? QMAP_V5_CSUM_OK : 0;
	dst[2] = 0;
	dst[3] = 0;
}

size_t qmap_put_command_answer(__u8 *dst, const struct qmap_frame *request,
			       __u8 type);

/**
 * qmap_ip_version() - 4 or 6 if that could be an IP packet, else 0
 * @packet: first byte
 * @len: bytes; one shorter than its fixed header is none
 */
static inline unsigned int qmap_ip_version(const __u8 *packet, size_t len)
{
	if (len >= 20 && packet[0] >> 4 == 4)
		return 4;
	if (len >= 40 && packet[0] >> 4 == 6)
		return 6;
	return 0;
}

/**
 * qmap_csum_covers() - whether v5 checksum offload can concern a packet
 * @packet: one that has a qmap_ip_version()
 *
 * The modem computes and checks the checksum of TCP and UDP that is whole and
 * right behind an IP header of the usual size. With IPv4 options the address
 * that it covers can be another than the header's.
 */
static inline bool qmap_csum_covers(const __u8 *packet)
{
	const __u8 tcp = 6, udp = 17;
	__u8 protocol;

	if (packet[0] >> 4 == 4) {
		/* Options; more fragments follow, or the offset of one. */
		if (packet[0] != 0x45 || packet[6] & 0x3f || packet[7])
			return false;
		protocol = packet[9];
	} else {
		protocol = packet[6];
	}
	return protocol == tcp || protocol == udp;
}

#ifdef __cplusplus
}
#endif

#endif
