// SPDX-License-Identifier: GPL-2.0
/*
 * UL path: packets of all PDNs -> one aggregate -> URBs.
 *
 * All PDNs of a module share its pipe, so they share one aggregate. A packet
 * that finds the pipe idle goes out at once. While URBs are in flight packets
 * gather, and leave when the aggregate is full or an URB completes. So an idle
 * link adds no delay, and a busy one sends full aggregates. No timer is needed:
 * what waits, waits for URBs that are before it in the pipe.
 *
 * What is in flight is bounded in bytes, by the kernel's dynamic queue limits:
 * as much as keeps the pipe busy, no more, since an urgent packet has to wait
 * for all of it. The limit is the pipe's, not a netdev's. What finds no room of
 * an skb stays with its port and stops that port's queue: packets wait in the
 * qdiscs, where they can be scheduled. The ports that wait so take turns.
 *
 * A queue is stopped from within its own ndo_start_xmit alone, and a packet is
 * never handed back: what a qdisc gets back (NETDEV_TX_BUSY), or finds stopped
 * between taking a packet and sending it, it puts behind other packets.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "qmiq.h"

#define QMIQ_TX_SLOTS		16
/* Most that is in flight, whatever the dynamic limit; at least two transfers. */
#define QMIQ_TX_BYTES_IN_FLIGHT	(32 * 1024)
/* A dynamic limit that was too high is found out after that time. */
#define QMIQ_TX_LIMIT_HOLD	HZ
#define QMIQ_TX_RETRY		msecs_to_jiffies(20)

/* One UL URB; on tx.free, tx.deferred, tx.done, tx.open or with the HC. */
struct qmiq_tx_slot {
	struct list_head list;
	struct qmiq_dev *q;
	struct urb *urb;
	u8 *buffer;
	u32 size;
	u32 len;
	u32 datagrams;
	enum qmap_version version;
	int status;
};

/* What @len bytes, of an IP packet or an Ethernet frame, take of a transfer. */
static u32 qmiq_tx_frame_len(const struct qmiq_dev *q, u32 len)
{
	return q->version == QMAP_NONE ? len :
					 qmap_data_frame_len(q->version, len);
}

static bool qmiq_tx_aggregates(const struct qmiq_dev *q)
{
	return q->version != QMAP_NONE && q->format.ul_max_datagrams > 1;
}

static void qmiq_tx_done(struct qmiq_tx_slot *slot, int status)
{
	struct qmiq_tx *tx = &slot->q->tx;
	unsigned long flags;

	slot->status = status;
	spin_lock_irqsave(&tx->done_lock, flags);
	list_add_tail(&slot->list, &tx->done);
	spin_unlock_irqrestore(&tx->done_lock, flags);
	qmiq_kick(slot->q);
}

static void qmiq_tx_complete(struct urb *urb)
{
	struct qmiq_tx_slot *slot = urb->context;
	int status = urb->status;

	/* What is taken back can have been sent all the same. */
	if ((status == -ENOENT || status == -ECONNRESET) &&
	    urb->actual_length == urb->transfer_buffer_length)
		status = 0;
	qmiq_tx_done(slot, status);
}

/* Under tx.lock; the module is awake. */
static void qmiq_tx_submit_urb(struct qmiq_tx_slot *slot)
{
	int err = usb_submit_urb(slot->urb, GFP_ATOMIC);

	if (likely(!err))
		return;
	qmiq_tx_done(slot, err);
	/* Unplugged: packets wait until the netdevs go. */
	if (err == -ENODEV)
		slot->q->tx.up = false;
}

/*
 * Under tx.lock. Wakes the module, which may take its time; it stays awake until
 * nothing is in flight, reclaimed and all, so that the attempt to suspend it
 * which follows is not refused: there may be no other.
 */
static int qmiq_tx_wake(struct qmiq_dev *q)
{
	int err;

	if (likely(q->tx.awake))
		return 0;
	err = usb_autopm_get_interface_async(q->intf);
	q->tx.awake = !err;
	return err;
}

/* Under tx.lock. */
static void qmiq_tx_let_sleep(struct qmiq_dev *q)
{
	if (q->tx.in_flight || !q->tx.awake)
		return;
	q->tx.awake = false;
	usb_autopm_put_interface_async(q->intf);
}

/* Under tx.lock. */
static void qmiq_tx_submit(struct qmiq_tx_slot *slot)
{
	struct qmiq_dev *q = slot->q;
	struct qmiq_tx *tx = &q->tx;
	int err;

	slot->urb->transfer_buffer_length = slot->len;
	tx->in_flight++;
	dql_queued(&tx->limit, slot->len);
	qmiq_count(q, QMIQ_TX_TRANSFERS);
	err = qmiq_tx_wake(q);
	if (unlikely(err))
		qmiq_tx_done(slot, err);
	else if (unlikely(tx->held))
		list_add_tail(&slot->list, &tx->deferred);
	else
		qmiq_tx_submit_urb(slot);
}

/* Under tx.lock. Sends what has gathered. */
static void qmiq_tx_flush(struct qmiq_dev *q)
{
	struct qmiq_tx_slot *slot = q->tx.open;

	if (!slot || !q->tx.up)
		return;
	q->tx.open = NULL;
	qmiq_tx_submit(slot);
}

/* Under tx.lock. NULL if nothing more may be in flight. */
static struct qmiq_tx_slot *qmiq_tx_take_free(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;
	struct qmiq_tx_slot *slot;

	if (dql_avail(&tx->limit) < 0)
		return NULL;
	slot = list_first_entry_or_null(&tx->free, struct qmiq_tx_slot, list);
	if (!slot)
		return NULL;
	list_del(&slot->list);
	slot->len = 0;
	slot->datagrams = 0;
	slot->version = q->version;

	/* The UL size may have grown; what can't be had now will be later. */
	if (unlikely(slot->size < tx->slot_size)) {
		u8 *buffer = kmalloc(tx->slot_size, GFP_ATOMIC | __GFP_NOWARN);

		if (buffer) {
			kfree(slot->buffer);
			slot->buffer = buffer;
			slot->size = tx->slot_size;
			slot->urb->transfer_buffer = buffer;
		}
	}
	return slot;
}

/* Under tx.lock. What @slot still takes; the agreed size may have shrunk. */
static u32 qmiq_tx_room(const struct qmiq_dev *q,
			const struct qmiq_tx_slot *slot)
{
	u32 limit = min(slot->size, q->tx.slot_size);

	return limit > slot->len ? limit - slot->len : 0;
}

/* Under tx.lock. The packets of a transfer were not sent, as its status says. */
static void qmiq_tx_lost(struct qmiq_dev *q, const struct qmiq_tx_slot *slot)
{
	qmiq_count(q, slot->status == -EPIPE ? QMIQ_TX_STALL :
		      slot->status == -ECANCELED ? QMIQ_TX_DISCARDED :
						   QMIQ_TX_URB_ERROR);
	u64_stats_update_begin(&q->master.tx.sync);
	u64_stats_add(&q->master.tx.errors, slot->datagrams);
	u64_stats_update_end(&q->master.tx.sync);
}

/* Under tx.lock. Whether the module takes a transfer like that. */
static bool qmiq_tx_fits(const struct qmiq_dev *q,
			 const struct qmiq_tx_slot *slot)
{
	return slot->version == q->version && slot->len <= q->tx.slot_size &&
	       slot->datagrams <= q->tx.slot_datagrams;
}

/* Under tx.lock. Gives up the transfers that wait, @all or what does not fit. */
static void qmiq_tx_discard(struct qmiq_dev *q, bool all)
{
	struct qmiq_tx *tx = &q->tx;
	struct qmiq_tx_slot *slot, *next;

	list_for_each_entry_safe(slot, next, &tx->deferred, list) {
		if (!all && qmiq_tx_fits(q, slot))
			continue;
		list_del(&slot->list);
		qmiq_tx_done(slot, -ECANCELED);
	}
	if (!tx->open || (!all && qmiq_tx_fits(q, tx->open)))
		return;
	tx->open->status = -ECANCELED;
	qmiq_tx_lost(q, tx->open);
	list_add(&tx->open->list, &tx->free);
	tx->open = NULL;
}

/* Under tx.lock. Drops what is left of the port's skb. */
static void qmiq_tx_drop(struct qmiq_port *port, enum qmiq_counter reason)
{
	qmiq_count(port->q, reason);
	u64_stats_update_begin(&port->tx.sync);
	u64_stats_inc(&port->tx.dropped);
	u64_stats_update_end(&port->tx.sync);
	dev_kfree_skb_any(port->unsent.skb);
	port->unsent.skb = NULL;
}

/*
 * Bytes of the IP packet in @skb, 0 if it is not one. What comes over a bridge
 * can have the padding of a short Ethernet frame behind it.
 */
static u32 qmiq_tx_ip_len(const struct sk_buff *skb)
{
	u32 len = skb->len - ETH_HLEN;
	const struct {
		struct ethhdr eth;
		u8 ip[6];
	} *hdr;
	u8 buffer[sizeof(*hdr)];

	hdr = skb_header_pointer(skb, 0, sizeof(*hdr), buffer);
	if (!hdr)
		return 0;
	switch (qmap_ip_version(hdr->ip, len)) {
	case 4:
		if (hdr->eth.h_proto != htons(ETH_P_IP))
			return 0;
		len = min_t(u32, len, hdr->ip[2] << 8 | hdr->ip[3]);
		return len < sizeof(struct iphdr) ? 0 : len;
	case 6:
		/* A length of 0 is a jumbogram's, and never padded. */
		if (hdr->eth.h_proto != htons(ETH_P_IPV6))
			return 0;
		return len > ETH_ZLEN - ETH_HLEN ? len :
		       min_t(u32, len, sizeof(struct ipv6hdr) +
				       (hdr->ip[4] << 8 | hdr->ip[5]));
	default:
		return 0;
	}
}

/*
 * Whether the checksum that the stack left to us can be the module's to compute:
 * that of TCP or UDP right behind the IP header of @packet.
 */
static bool qmiq_tx_offloads(const struct qmiq_dev *q, const u8 *packet,
			     u32 csum_start)
{
	u32 header = packet[0] >> 4 == 4 ? sizeof(struct iphdr) :
					   sizeof(struct ipv6hdr);

	return q->version == QMAP_V5 && csum_start == header &&
	       qmap_csum_covers(packet);
}

/* Under tx.lock. Writes the frame of the next packet to @dst. */
static void qmiq_tx_put(struct qmiq_port *port, u8 *dst, u32 offset, u32 len)
{
	struct qmiq_dev *q = port->q;
	struct qmiq_unsent *unsent = &port->unsent;
	u8 *packet = dst;
	bool offload;

	if (q->version != QMAP_NONE)
		packet += qmap_header_len(q->version);
	qmiq_unsent_put(unsent, packet, offset, len);
	offload = unsent->csum_start &&
		  qmiq_tx_offloads(q, packet, unsent->csum_start - offset);
	if (unsent->csum_start && !offload)
		qmiq_unsent_checksum(unsent, packet, offset, len);
	if (q->version != QMAP_NONE) {
		qmap_put_data_header(dst, q->version, port->mux_id, len,
				     offload);
		memset(packet + len, 0, qmap_pad(len));
	} else if (q->ethernet) {
		struct ethhdr *eth = (struct ethhdr *)packet;

		/* Without ARP the stack knows no address but our own. */
		if (ether_addr_equal(eth->h_dest, port->netdev->dev_addr))
			ether_addr_copy(eth->h_dest, q->peer_mac);
	}
}

/*
 * Under tx.lock. Returns a slot with @frame bytes of room, or NULL if nothing
 * more may be in flight. For want of memory the room can be less.
 */
static struct qmiq_tx_slot *qmiq_tx_reserve(struct qmiq_dev *q, u32 frame)
{
	if (q->tx.open && qmiq_tx_room(q, q->tx.open) < frame) {
		qmiq_tx_flush(q);
		if (q->tx.open)
			return NULL;
	}
	if (!q->tx.open)
		q->tx.open = qmiq_tx_take_free(q);
	return q->tx.open;
}

/*
 * Under tx.lock. Puts the port's next packet, of @len bytes and in a frame of
 * @frame, into @slot.
 */
static void qmiq_tx_fill(struct qmiq_port *port, struct qmiq_tx_slot *slot,
			 u32 offset, u32 len, u32 frame)
{
	struct qmiq_dev *q = port->q;

	qmiq_tx_put(port, slot->buffer + slot->len, offset, len);
	slot->len += frame;
	slot->datagrams++;
	qmiq_count(q, QMIQ_TX_DATAGRAMS);
	u64_stats_update_begin(&port->tx.sync);
	u64_stats_inc(&port->tx.packets);
	u64_stats_add(&port->tx.bytes,
		      len + offset - port->netdev->hard_header_len);
	u64_stats_update_end(&port->tx.sync);
	if (slot->datagrams >= q->tx.slot_datagrams)
		qmiq_tx_flush(q);
}

/*
 * Under tx.lock. Puts the port's unsent packets into aggregates, or drops them
 * where they never can be; false if there is no room for all of them now.
 */
static bool qmiq_tx_place(struct qmiq_port *port)
{
	struct qmiq_dev *q = port->q;
	struct qmiq_unsent *unsent = &port->unsent;
	bool whole = q->ethernet || q->pass_through;
	u32 offset = whole ? 0 : ETH_HLEN;
	struct qmiq_tx_slot *slot;
	u32 len, frame;

	do {
		len = whole || unsent->left ? qmiq_unsent_len(unsent) - offset :
					      qmiq_tx_ip_len(unsent->skb);
		if (unlikely(!len)) {
			qmiq_tx_drop(port, QMIQ_TX_NOT_IP);
			return true;
		}
		frame = qmiq_tx_frame_len(q, len);
		if (unlikely(frame > q->tx.slot_size)) {
			qmiq_tx_drop(port, QMIQ_TX_TOO_LONG);
			return true;
		}
		slot = qmiq_tx_reserve(q, frame);
		if (!slot)
			return false;
		if (unlikely(slot->size < frame)) {
			qmiq_tx_drop(port, QMIQ_TX_NO_MEMORY);
			return true;
		}
		qmiq_tx_fill(port, slot, offset, len, frame);
	} while (unsent->left);

	skb_tx_timestamp(unsent->skb);
	/* BH is disabled: as good as NAPI's own context. */
	napi_consume_skb(unsent->skb, 1);
	unsent->skb = NULL;
	return true;
}

/* Under tx.lock. Sends what has gathered if the pipe is idle. */
static void qmiq_tx_push(struct qmiq_dev *q)
{
	if (!q->tx.in_flight)
		qmiq_tx_flush(q);
}

/* Under tx.lock. */
static bool qmiq_tx_waits(const struct qmiq_port *port)
{
	return port->unsent.skb && !port->flow_off;
}

/* Under tx.lock. Lets a port that waits go on; false: no room. */
static bool qmiq_tx_restart(struct qmiq_port *port)
{
	if (!qmiq_tx_place(port))
		return false;
	netif_wake_queue(port->netdev);
	return true;
}

/*
 * Under tx.lock. The first port to be restarted fills from its qdisc what room
 * is left: the next turn begins behind it, or behind the one that got rid of
 * some of its packets, or with the one that found no room.
 */
static void qmiq_tx_restart_all(struct qmiq_dev *q)
{
	unsigned int i, start = q->tx.turn;
	bool restarted = false;

	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		unsigned int n = (start + i) % QMIQ_MAX_PDN;
		struct qmiq_port *port = qmiq_port_at(q, n);
		u32 left;

		if (!port || !qmiq_tx_waits(port))
			continue;
		left = port->unsent.left;
		if (!qmiq_tx_restart(port)) {
			q->tx.turn = n + (port->unsent.left != left);
			break;
		}
		if (!restarted)
			q->tx.turn = n + 1;
		restarted = true;
	}
	qmiq_tx_push(q);
}

/*
 * Under tx.lock. False if nothing says which PDN the packet is for: on a master
 * that has mux netdevs, or, where rmnet has them, other than what that sends.
 */
static bool qmiq_tx_takes(const struct qmiq_port *port,
			  const struct sk_buff *skb)
{
	return port->attached && (!port->q->pass_through ||
				  skb->protocol == htons(ETH_P_MAP));
}

/**
 * qmiq_tx_packet() - take a packet for the modem
 * @port: of the netdev that it was sent on
 * @skb: Ethernet frame, or in pass-through mode MAP frames; consumed
 *
 * Context: BH, the netdev's TX lock held.
 * Return: NETDEV_TX_OK; NETDEV_TX_BUSY only for a queue that is stopped.
 */
netdev_tx_t qmiq_tx_packet(struct qmiq_port *port, struct sk_buff *skb)
{
	struct qmiq_dev *q = port->q;

	spin_lock(&q->tx.lock);
	if (unlikely(port->unsent.skb)) {
		netif_stop_queue(port->netdev);
		spin_unlock(&q->tx.lock);
		return NETDEV_TX_BUSY;
	}
	qmiq_unsent_start(&port->unsent, skb);
	if (unlikely(!qmiq_tx_takes(port, skb)))
		qmiq_tx_drop(port, QMIQ_TX_NO_PDN);
	else if (port->flow_off || !qmiq_tx_place(port))
		netif_stop_queue(port->netdev);
	if (port->unsent.skb || !netdev_xmit_more())
		qmiq_tx_push(q);
	spin_unlock(&q->tx.lock);
	return NETDEV_TX_OK;
}

/**
 * qmiq_tx_end_batch() - the last packet of a batch was not for the modem
 * @q: the module
 *
 * Those before it have gathered in the expectation of more.
 *
 * Context: BH.
 */
void qmiq_tx_end_batch(struct qmiq_dev *q)
{
	spin_lock(&q->tx.lock);
	qmiq_tx_push(q);
	spin_unlock(&q->tx.lock);
}

/* Under tx.lock. Answers go in transfers of their own. */
static void qmiq_tx_send_answers(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;

	while (tx->answer_count && tx->up) {
		const struct qmiq_answer *answer =
			&tx->answers[tx->answer_head];
		struct qmiq_tx_slot *slot = qmiq_tx_take_free(q);

		if (!slot)
			return;
		memcpy(slot->buffer, answer->frame, answer->len);
		slot->len = answer->len;
		tx->answer_head = (tx->answer_head + 1) % QMIQ_MAX_ANSWERS;
		tx->answer_count--;
		qmiq_count(q, QMIQ_TX_ANSWERS);
		qmiq_tx_submit(slot);
	}
}

/**
 * qmiq_tx_answer() - answer a MUX command of the modem
 * @q: the module
 * @request: its frame, QMAP_CMD_MIN_LEN to QMAP_CMD_MAX_LEN bytes
 * @type: QMAP_CMD_ACK, QMAP_CMD_UNSUPPORTED or QMAP_CMD_INVALID
 *
 * Sent when there is a free URB; a modem that asks faster than it takes the
 * answers loses some, which is counted.
 *
 * Context: BH.
 */
void qmiq_tx_answer(struct qmiq_dev *q, const struct qmap_frame *request,
		    u8 type)
{
	struct qmiq_tx *tx = &q->tx;

	spin_lock(&tx->lock);
	if (tx->answer_count == QMIQ_MAX_ANSWERS) {
		qmiq_count(q, QMIQ_TX_ANSWER_DROPPED);
	} else {
		struct qmiq_answer *answer =
			&tx->answers[(tx->answer_head + tx->answer_count) %
				     QMIQ_MAX_ANSWERS];

		answer->len = qmap_put_command_answer(answer->frame, request,
						      type);
		tx->answer_count++;
		/* No packet of a PDN that was stopped comes after the answer. */
		qmiq_tx_flush(q);
		qmiq_tx_send_answers(q);
	}
	spin_unlock(&tx->lock);
}

/**
 * qmiq_tx_set_flow() - the modem wants packets of a PDN, or no more of them
 * @port: the PDN's
 * @off: no more
 *
 * Context: BH.
 */
void qmiq_tx_set_flow(struct qmiq_port *port, bool off)
{
	struct qmiq_dev *q = port->q;

	spin_lock(&q->tx.lock);
	port->flow_off = off;
	if (qmiq_tx_waits(port))
		qmiq_tx_restart(port);
	qmiq_tx_push(q);
	spin_unlock(&q->tx.lock);
}

/**
 * qmiq_tx_forget() - the modem was reset: its flow control and commands are
 * void
 * @q: the module
 *
 * Context: process.
 */
void qmiq_tx_forget(struct qmiq_dev *q)
{
	unsigned int i;

	spin_lock_bh(&q->tx.lock);
	qmiq_count_many(q, QMIQ_TX_ANSWER_DROPPED, q->tx.answer_count);
	q->tx.answer_count = 0;
	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		struct qmiq_port *port = qmiq_port_at(q, i);

		if (port)
			port->flow_off = false;
	}
	qmiq_tx_restart_all(q);
	spin_unlock_bh(&q->tx.lock);
}

/**
 * qmiq_tx_drop_unsent() - drop what a port has not sent yet
 * @port: a port whose netdev sends no more
 *
 * Context: tx.lock held.
 * Return: whether there was any.
 */
bool qmiq_tx_drop_unsent(struct qmiq_port *port)
{
	if (!port->unsent.skb)
		return false;
	qmiq_tx_drop(port, QMIQ_TX_PDN_DOWN);
	return true;
}

/**
 * qmiq_tx_stop_port() - a netdev was closed
 * @port: its port
 *
 * Context: process, RTNL; the netdev sends no more.
 */
void qmiq_tx_stop_port(struct qmiq_port *port)
{
	spin_lock_bh(&port->q->tx.lock);
	qmiq_tx_drop_unsent(port);
	spin_unlock_bh(&port->q->tx.lock);
}

/* Under tx.lock. Nothing more is sent until the halt has been cleared. */
static void qmiq_tx_stalled(struct qmiq_tx *tx)
{
	if (tx->stalled || !tx->up)
		return;
	tx->stalled = true;
	tx->held++;
	schedule_delayed_work(&tx->recover, QMIQ_TX_RETRY);
}

/* Frees the slots that have completed, and sends what has gathered. */
void qmiq_tx_reclaim(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;
	struct qmiq_tx_slot *slot, *next;
	LIST_HEAD(done);
	u32 bytes = 0;

	if (list_empty_careful(&tx->done))
		return;
	spin_lock_irq(&tx->done_lock);
	list_splice_init(&tx->done, &done);
	spin_unlock_irq(&tx->done_lock);

	spin_lock(&tx->lock);
	list_for_each_entry_safe(slot, next, &done, list) {
		tx->in_flight--;
		bytes += slot->len;
		if (unlikely(slot->status)) {
			if (slot->status == -EPIPE)
				qmiq_tx_stalled(tx);
			qmiq_tx_lost(q, slot);
		}
		list_move(&slot->list, &tx->free);
	}
	dql_completed(&tx->limit, bytes);
	qmiq_tx_send_answers(q);
	qmiq_tx_flush(q);
	qmiq_tx_restart_all(q);
	qmiq_tx_let_sleep(q);
	spin_unlock(&tx->lock);
}

/**
 * qmiq_tx_configure() - take over a change of mode, format or MTU
 * @q: the module
 *
 * Transfers that were packed for what was agreed before and do not fit what is
 * agreed now are given up.
 *
 * Context: process or BH.
 */
void qmiq_tx_configure(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;
	unsigned int mtu;

	spin_lock_bh(&tx->lock);
	mtu = max_t(unsigned int, qmiq_largest_mtu(q), ETH_DATA_LEN);
	if (q->ethernet)
		mtu += ETH_HLEN;
	if (q->pass_through)
		mtu += QMAP_MAX_OVERHEAD;
	tx->slot_size = qmiq_tx_frame_len(q, mtu);
	tx->slot_datagrams = 1;
	if (qmiq_tx_aggregates(q)) {
		tx->slot_size = q->format.ul_max_size;
		tx->slot_datagrams = q->format.ul_max_datagrams;
	}
	/* What is in flight can exceed the limit by one transfer. */
	tx->limit.min_limit = tx->slot_size;
	tx->limit.max_limit = max_t(s32, tx->slot_size,
				    QMIQ_TX_BYTES_IN_FLIGHT - tx->slot_size);
	qmiq_tx_discard(q, false);
	/* What is left may be all that a transfer holds now. */
	qmiq_tx_flush(q);
	spin_unlock_bh(&tx->lock);
}

static void qmiq_tx_kill(struct qmiq_dev *q)
{
	unsigned int i;

	for (i = 0; i < q->tx.count; i++)
		usb_kill_urb(q->tx.slots[i].urb);
}

/**
 * qmiq_tx_suspend() - hold new transfers back, take those in flight back
 * @q: the module
 * @only_if_idle: refuse while anything is on its way (autosuspend)
 *
 * Context: process. Nests.
 * Return: 0 or -EBUSY.
 */
int qmiq_tx_suspend(struct qmiq_dev *q, bool only_if_idle)
{
	struct qmiq_tx *tx = &q->tx;

	spin_lock_bh(&tx->lock);
	if (only_if_idle && (tx->in_flight || tx->open)) {
		spin_unlock_bh(&tx->lock);
		return -EBUSY;
	}
	tx->held++;
	spin_unlock_bh(&tx->lock);
	qmiq_tx_kill(q);
	return 0;
}

/* Under tx.lock. */
static void qmiq_tx_release(struct qmiq_tx *tx)
{
	struct qmiq_tx_slot *slot, *next;

	if (--tx->held)
		return;
	list_for_each_entry_safe(slot, next, &tx->deferred, list) {
		list_del(&slot->list);
		qmiq_tx_submit_urb(slot);
	}
}

void qmiq_tx_resume(struct qmiq_dev *q)
{
	spin_lock_bh(&q->tx.lock);
	qmiq_tx_release(&q->tx);
	spin_unlock_bh(&q->tx.lock);
}

/* A halt is cleared with no URB queued on the endpoint. */
static int qmiq_tx_clear_halt(struct qmiq_dev *q)
{
	int err = usb_autopm_get_interface(q->intf);

	if (err)
		return err;
	qmiq_tx_kill(q);
	err = usb_clear_halt(q->usbnet->udev, q->usbnet->out);
	usb_autopm_put_interface(q->intf);
	return err;
}

static void qmiq_tx_recover(struct work_struct *work)
{
	struct qmiq_dev *q = container_of(work, struct qmiq_dev,
					  tx.recover.work);
	int err = qmiq_tx_clear_halt(q);

	if (err && err != -ENODEV && err != -ESHUTDOWN && net_ratelimit())
		netdev_err(q->netdev, "can't clear the UL halt: %d\n", err);
	spin_lock_bh(&q->tx.lock);
	q->tx.stalled = false;
	qmiq_tx_release(&q->tx);
	spin_unlock_bh(&q->tx.lock);
}

/*
 * Under tx.lock, stopped, NAPI disabled. All slots are free then, whatever was
 * in them.
 */
static void qmiq_tx_empty(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;
	struct qmiq_tx_slot *slot;
	unsigned int i;

	qmiq_tx_discard(q, true);
	list_for_each_entry(slot, &tx->done, list)
		if (slot->status)
			qmiq_tx_lost(q, slot);
	tx->in_flight = 0;
	qmiq_tx_let_sleep(q);
	dql_reset(&tx->limit);
	qmiq_count_many(q, QMIQ_TX_ANSWER_DROPPED, tx->answer_count);
	tx->answer_count = 0;
	INIT_LIST_HEAD(&tx->free);
	INIT_LIST_HEAD(&tx->deferred);
	INIT_LIST_HEAD(&tx->done);
	for (i = 0; i < tx->count; i++)
		list_add_tail(&tx->slots[i].list, &tx->free);
}

/**
 * qmiq_tx_free() - free the UL URBs
 * @q: the module
 *
 * Context: process, RTNL; stopped, NAPI disabled.
 */
void qmiq_tx_free(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;
	unsigned int i;

	spin_lock_bh(&tx->lock);
	qmiq_tx_empty(q);
	INIT_LIST_HEAD(&tx->free);
	spin_unlock_bh(&tx->lock);
	for (i = 0; i < tx->count; i++) {
		usb_free_urb(tx->slots[i].urb);
		kfree(tx->slots[i].buffer);
	}
	kfree(tx->slots);
	tx->slots = NULL;
	tx->count = 0;
}

/**
 * qmiq_tx_start() - allocate the UL URBs
 * @q: the module
 *
 * Context: process, RTNL.
 * Return: 0 or -ENOMEM.
 */
int qmiq_tx_start(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;
	unsigned int i;

	tx->slots = kcalloc(QMIQ_TX_SLOTS, sizeof(*tx->slots), GFP_KERNEL);
	if (!tx->slots)
		return -ENOMEM;
	tx->count = QMIQ_TX_SLOTS;
	for (i = 0; i < tx->count; i++) {
		struct qmiq_tx_slot *slot = &tx->slots[i];

		slot->q = q;
		slot->size = tx->slot_size;
		slot->urb = usb_alloc_urb(0, GFP_KERNEL);
		slot->buffer = kmalloc(slot->size, GFP_KERNEL);
		if (!slot->urb || !slot->buffer) {
			qmiq_tx_free(q);
			return -ENOMEM;
		}
		usb_fill_bulk_urb(slot->urb, q->usbnet->udev, q->usbnet->out,
				  slot->buffer, 0, qmiq_tx_complete, slot);
		slot->urb->transfer_flags |= URB_ZERO_PACKET;
		list_add_tail(&slot->list, &tx->free);
	}
	spin_lock_bh(&tx->lock);
	tx->up = true;
	spin_unlock_bh(&tx->lock);
	return 0;
}

/**
 * qmiq_tx_go_on() - undo qmiq_tx_stop(); what had gathered is lost
 * @q: the module
 *
 * Context: process, RTNL.
 */
void qmiq_tx_go_on(struct qmiq_dev *q)
{
	spin_lock_bh(&q->tx.lock);
	qmiq_tx_empty(q);
	q->tx.up = true;
	qmiq_tx_restart_all(q);
	spin_unlock_bh(&q->tx.lock);
}

/**
 * qmiq_tx_stop() - take the UL URBs back
 * @q: the module
 *
 * qmiq_tx_free() follows, or qmiq_tx_go_on(). Until then packets gather and
 * their queues stop.
 *
 * Context: process, RTNL.
 */
void qmiq_tx_stop(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;

	spin_lock_bh(&tx->lock);
	tx->up = false;
	qmiq_tx_discard(q, true);
	spin_unlock_bh(&tx->lock);

	cancel_delayed_work_sync(&tx->recover);
	if (tx->stalled) {
		tx->stalled = false;
		tx->held--;
	}
	qmiq_tx_kill(q);
}

void qmiq_tx_init(struct qmiq_dev *q)
{
	struct qmiq_tx *tx = &q->tx;

	spin_lock_init(&tx->lock);
	spin_lock_init(&tx->done_lock);
	dql_init(&tx->limit, QMIQ_TX_LIMIT_HOLD);
	INIT_LIST_HEAD(&tx->free);
	INIT_LIST_HEAD(&tx->deferred);
	INIT_LIST_HEAD(&tx->done);
	INIT_DELAYED_WORK(&tx->recover, qmiq_tx_recover);
}
