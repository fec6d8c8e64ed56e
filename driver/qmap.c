// SPDX-License-Identifier: GPL-2.0
/* QMAP wire codec; qmap.h describes the format. */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#include "qmap.h"

/* Bytes of the v5 header chain at @p, 0 if it runs past @left. */
static size_t qmap_v5_chain(const __u8 *p, size_t left, bool *csum_ok,
			    bool *known)
{
	size_t len = 0;
	bool next = true;

	while (next) {
		if (left - len < QMAP_V5_HDR_LEN)
			return 0;
		if (p[len] >> 1 == QMAP_V5_TYPE_CSUM)
			*csum_ok = p[len + 1] & QMAP_V5_CSUM_OK;
		else
			*known = false;
		next = p[len] & QMAP_V5_NEXT;
		len += QMAP_V5_HDR_LEN;
	}
	return len;
}

static enum qmap_result qmap_cut(struct qmap_walk *walk,
				 enum qmap_result result)
{
	walk->pos += walk->left;
	walk->left = 0;
	return result;
}

/**
 * qmap_next() - take the next MAP frame off a received transfer
 * @walk: where to read; moved past the frame, or to the end where the frame's
 *	own end can't be known
 * @frame: filled in on QMAP_FRAME only
 *
 * Every byte is hostile. A call consumes at least one header or everything,
 * so a loop over it ends.
 *
 * Context: any; touches nothing but its arguments.
 * Return: what it found.
 */
enum qmap_result qmap_next(struct qmap_walk *walk, struct qmap_frame *frame)
{
	const __u8 *hdr = walk->pos;
	size_t headers = QMAP_HDR_LEN;
	bool csum_ok = false, known = true;
	size_t len, cut, pad;

	if (!walk->left)
		return QMAP_END;
	if (walk->left < QMAP_HDR_LEN)
		return qmap_cut(walk, QMAP_CUT_HEADER);

	frame->command = hdr[0] & QMAP_HDR_COMMAND;
	frame->mux_id = hdr[1];
	pad = hdr[0] & QMAP_HDR_PAD_MASK;
	len = (size_t)hdr[2] << 8 | hdr[3];

	/* Commands have no v5 header, whatever the bit says. */
	if (walk->version == QMAP_V5 && !frame->command &&
	    hdr[0] & QMAP_HDR_NEXT) {
		size_t chain = qmap_v5_chain(hdr + QMAP_HDR_LEN,
					     walk->left - QMAP_HDR_LEN,
					     &csum_ok, &known);

		if (!chain)
			return qmap_cut(walk, QMAP_CUT_HEADER);
		headers += chain;
	}
	if (len > walk->left - headers)
		return qmap_cut(walk, QMAP_CUT_FRAME);

	walk->pos += headers + len;
	walk->left -= headers + len;

	if (!known)
		return QMAP_BAD_V5_TYPE;
	if (!len)
		return QMAP_BAD_LENGTH;

	cut = walk->version == QMAP_V5 && !frame->command ? walk->dl_padding : 0;
	if (len <= pad + cut)
		return QMAP_BAD_PAD;

	frame->payload = hdr + headers + cut;
	frame->len = len - pad - cut;
	frame->csum_ok = csum_ok;
	return QMAP_FRAME;
}

/**
 * qmap_put_command_answer() - build the answer to a MUX command
 * @dst: QMAP_HDR_LEN + QMAP_CMD_MAX_LEN bytes
 * @request: frame that holds it; QMAP_CMD_MIN_LEN to QMAP_CMD_MAX_LEN bytes
 * @type: QMAP_CMD_ACK, QMAP_CMD_UNSUPPORTED or QMAP_CMD_INVALID
 *
 * The answer is the request itself with its type exchanged, in one MAP frame.
 *
 * Return: bytes written.
 */
size_t qmap_put_command_answer(__u8 *dst, const struct qmap_frame *request,
			       __u8 type)
{
	size_t len = request->len, pad = qmap_pad(len);

	qmap_put_header(dst, QMAP_HDR_COMMAND, request->mux_id, len);
	dst += QMAP_HDR_LEN;
	memcpy(dst, request->payload, len);
	dst[1] = (dst[1] & ~QMAP_CMD_TYPE_MASK) | type;
	memset(dst + len, 0, pad);
	return QMAP_HDR_LEN + len + pad;
}
