// SPDX-License-Identifier: GPL-2.0
/*
 * DL path: URB -> MAP frames -> the PDN's netdev.
 *
 * A fixed set of URBs with buffers of their own is kept with the host
 * controller while the master is up: no allocation that grows with the
 * aggregate, and no transfer fails for want of memory. Completed URBs wait on
 * a list for the NAPI context, which copies each packet into an skb of its own,
 * in memory that is used again, and gives the URB back at once.
 */
#include "qmiq.h"

/*
 * Memory of a module's DL URBs, by speed, as in the URB budget of usbnet; and
 * twice as much for its packets: of what a socket's reader is behind with.
 */
#define QMIQ_RX_BUDGET_HIGH	(256 * 1024)
#define QMIQ_RX_BUDGET_SUPER	(512 * 1024)
#define QMIQ_RX_MIN_URBS	4
#define QMIQ_RX_MAX_URBS	32
/* Smaller packets hardly carry a stream's data. */
#define QMIQ_RX_MERGE		256
#define QMIQ_RX_RETRY		msecs_to_jiffies(20)

/* One DL URB; on rx.done, on rx.idle, or with the host controller. */
struct qmiq_rx_slot {
	struct list_head list;
	struct qmiq_dev *q;
	struct urb *urb;
	u8 *buffer;
	u32 size;
	int status;
};

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

/* A frame that names no PDN is the master's. */
static void qmiq_rx_error(struct qmiq_dev *q, enum qmiq_counter reason)
{
	qmiq_count(q, reason);
	u64_stats_update_begin(&q->master.rx.sync);
	u64_stats_inc(&q->master.rx.errors);
	u64_stats_update_end(&q->master.rx.sync);
}

/* The data is in the linear part. */
static struct sk_buff *qmiq_rx_alloc_linear(struct qmiq_dev *q, unsigned int len)
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
	skb_put(skb, len);
	return skb;
}

/*
 * The data is in a fragment. When GRO merges that with others, the skb itself
 * is left over for the next packet.
 */
static struct sk_buff *qmiq_rx_alloc_frag(struct qmiq_dev *q, unsigned int len)
{
	unsigned int size = SKB_DATA_ALIGN(NET_IP_ALIGN + len);
	void *memory = qmiq_pages_take(&q->rx.pages, size);
	struct sk_buff *skb;

	if (unlikely(!memory))
		return NULL;
	skb = napi_get_frags(&q->napi);
	if (unlikely(!skb)) {
		skb_free_frag(memory);
		return NULL;
	}
	memory += NET_IP_ALIGN;
	skb_add_rx_frag(skb, 0, virt_to_page(memory), offset_in_page(memory),
			len, size);
	return skb;
}

/* @merge: GRO is likely to merge it with others. */
static struct sk_buff *qmiq_rx_skb(struct qmiq_port *port, unsigned int len,
				   bool merge)
{
	struct sk_buff *skb;

	if (unlikely(!(port->netdev->flags & IFF_UP))) {
		qmiq_rx_drop(port, QMIQ_RX_PDN_DOWN);
		return NULL;
	}
	skb = merge ? qmiq_rx_alloc_frag(port->q, len) :
		      qmiq_rx_alloc_linear(port->q, len);
	if (unlikely(!skb))
		qmiq_rx_drop(port, QMIQ_RX_NO_MEMORY);
	return skb;
}

static void *qmiq_rx_data(const struct sk_buff *skb)
{
	return skb_is_nonlinear(skb) ? skb_frag_address(skb_shinfo(skb)->frags) :
				       skb->data;
}

/* Takes @skb, an Ethernet frame. */
static void qmiq_rx_deliver(struct qmiq_port *port, struct sk_buff *skb)
{
	if (port->bridge.enabled)
		qmiq_bridge_rx(port, qmiq_rx_data(skb));
	qmiq_count(port->q, QMIQ_RX_DATAGRAMS);
	qmiq_rx_count(port, skb->len - ETH_HLEN);
	if (skb_is_nonlinear(skb)) {
		skb->dev = port->netdev;
		napi_gro_frags(&port->q->napi);
	} else {
		skb->protocol = eth_type_trans(skb, port->netdev);
		napi_gro_receive(&port->q->napi, skb);
	}
}

/* @csum_ok: the modem vouches for the transport checksum. */
static void qmiq_rx_ip(struct qmiq_port *port, const u8 *packet, size_t len,
		       unsigned int version, bool csum_ok)
{
	bool merge = len >= QMIQ_RX_MERGE && len <= PAGE_SIZE / 2 &&
		     (version == 4 ? packet[9] : packet[6]) == IPPROTO_TCP;
	struct sk_buff *skb = qmiq_rx_skb(port, ETH_HLEN + len, merge);
	struct ethhdr *eth;

	if (!skb)
		return;
	eth = qmiq_rx_data(skb);
	ether_addr_copy(eth->h_dest, port->netdev->dev_addr);
	ether_addr_copy(eth->h_source, qmiq_modem_mac);
	eth->h_proto = version == 4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	memcpy(eth + 1, packet, len);
	skb->ip_summed = csum_ok && port->netdev->features & NETIF_F_RXCSUM &&
			 qmap_csum_covers(packet) ? CHECKSUM_UNNECESSARY :
						    CHECKSUM_NONE;
	qmiq_rx_deliver(port, skb);
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
	struct sk_buff *skb = qmiq_rx_skb(port, len, false);
	struct ethhdr *eth;

	if (!skb)
		return;
	eth = memcpy(skb->data, frame, len);
	/* Some firmware writes an address of its own, or rubbish, here. */
	if (!is_multicast_ether_addr(eth->h_dest))
		ether_addr_copy(eth->h_dest, port->netdev->dev_addr);
	if (!is_valid_ether_addr(eth->h_source))
		ether_addr_copy(eth->h_source, qmiq_modem_mac);
	qmiq_control_hear_ethernet(port->q, eth->h_source);
	qmiq_rx_deliver(port, skb);
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
	struct sk_buff *skb = qmiq_rx_skb(&q->master, len, false);

	if (!skb)
		return;
	memcpy(skb->data, data, len);
	skb_reset_mac_header(skb);
	skb->protocol = htons(ETH_P_MAP);
	qmiq_rx_count(&q->master, len);
	netif_receive_skb(skb);
}

static int qmiq_rx_transfer(struct qmiq_rx_slot *slot)
{
	struct qmiq_dev *q = slot->q;
	size_t len = slot->urb->actual_length;
	bool filled = q->rx.filled;

	q->rx.filled = len == slot->size;
	if (!len) {
		/* The zero-length packet behind a transfer is no transfer. */
		if (!filled)
			qmiq_rx_error(q, QMIQ_RX_EMPTY_TRANSFER);
		return 1;
	}
	qmiq_count(q, QMIQ_RX_TRANSFERS);
	if (READ_ONCE(q->version) != QMAP_NONE)
		return qmiq_rx_aggregate(q, slot->buffer, len);
	if (q->pass_through)
		qmiq_rx_pass(q, slot->buffer, len);
	else
		qmiq_rx_single(q, slot->buffer, len);
	return 1;
}

/* The DL size may have grown since the buffer was made; failure is no loss. */
static void qmiq_rx_grow(struct qmiq_rx_slot *slot, gfp_t gfp)
{
	u32 size = READ_ONCE(slot->q->rx_urb_size);
	u8 *buffer;

	if (likely(slot->size >= size))
		return;
	buffer = kmalloc(size, gfp | __GFP_NOWARN);
	if (!buffer)
		return;
	kfree(slot->buffer);
	slot->buffer = buffer;
	slot->size = size;
	slot->urb->transfer_buffer = buffer;
	slot->urb->transfer_buffer_length = size;
}

/*
 * Hands the URB to the host controller, or puts it on the idle list. A
 * transient failure is made good by the recovery work, a refusal while paused
 * by qmiq_rx_resume().
 */
static void qmiq_rx_submit(struct qmiq_rx_slot *slot, gfp_t gfp)
{
	struct qmiq_rx *rx = &slot->q->rx;
	unsigned long flags;
	bool retry;
	int err;

	qmiq_rx_grow(slot, gfp);
	err = usb_submit_urb(slot->urb, gfp);
	if (likely(!err))
		return;

	spin_lock_irqsave(&rx->lock, flags);
	list_add_tail(&slot->list, &rx->idle);
	retry = !rx->paused;
	spin_unlock_irqrestore(&rx->lock, flags);
	if (retry && err != -ENODEV && err != -ESHUTDOWN)
		schedule_delayed_work(&rx->recover, QMIQ_RX_RETRY);
}

static void qmiq_rx_submit_idle(struct qmiq_dev *q, gfp_t gfp)
{
	struct qmiq_rx_slot *slot, *next;
	LIST_HEAD(idle);

	spin_lock_irq(&q->rx.lock);
	if (!q->rx.paused)
		list_splice_init(&q->rx.idle, &idle);
	spin_unlock_irq(&q->rx.lock);
	list_for_each_entry_safe(slot, next, &idle, list)
		qmiq_rx_submit(slot, gfp);
}

/**
 * qmiq_rx_pause() - take all DL URBs back from the host controller
 * @q: the module
 *
 * Nests. On return nothing more completes; what has completed is still
 * processed.
 *
 * Context: process.
 */
void qmiq_rx_pause(struct qmiq_dev *q)
{
	unsigned int i;

	spin_lock_irq(&q->rx.lock);
	q->rx.paused++;
	spin_unlock_irq(&q->rx.lock);
	for (i = 0; i < q->rx.count; i++)
		usb_poison_urb(q->rx.slots[i].urb);
}

/**
 * qmiq_rx_resume() - undo qmiq_rx_pause()
 * @q: the module
 *
 * Context: process, also where no I/O may be started (resume).
 */
void qmiq_rx_resume(struct qmiq_dev *q)
{
	unsigned int i;

	for (i = 0; i < q->rx.count; i++)
		usb_unpoison_urb(q->rx.slots[i].urb);
	spin_lock_irq(&q->rx.lock);
	q->rx.paused--;
	spin_unlock_irq(&q->rx.lock);
	qmiq_rx_submit_idle(q, GFP_NOIO);
}

/**
 * qmiq_rx_discard() - forget the transfers that were not processed
 * @q: the module
 *
 * Context: process, RTNL; paused, NAPI disabled.
 */
void qmiq_rx_discard(struct qmiq_dev *q)
{
	spin_lock_irq(&q->rx.lock);
	list_splice_init(&q->rx.done, &q->rx.idle);
	spin_unlock_irq(&q->rx.lock);
	q->rx.filled = false;
}

/* A halt is cleared with no URB queued on the endpoint. */
static void qmiq_rx_clear_halt(struct qmiq_dev *q)
{
	int err = usb_autopm_get_interface(q->intf);

	if (err)
		return;
	qmiq_rx_pause(q);
	err = usb_clear_halt(q->usbnet->udev, q->usbnet->in);
	if (err && err != -ENODEV && err != -ESHUTDOWN && net_ratelimit())
		netdev_err(q->netdev, "can't clear the DL halt: %d\n", err);
	qmiq_rx_resume(q);
	usb_autopm_put_interface(q->intf);
}

static void qmiq_rx_recover(struct work_struct *work)
{
	struct qmiq_dev *q = container_of(work, struct qmiq_dev,
					  rx.recover.work);
	bool stall;

	spin_lock_irq(&q->rx.lock);
	stall = q->rx.stall;
	q->rx.stall = false;
	spin_unlock_irq(&q->rx.lock);
	if (stall)
		qmiq_rx_clear_halt(q);
	else
		qmiq_rx_submit_idle(q, GFP_KERNEL);
}

static void qmiq_rx_complete(struct urb *urb)
{
	struct qmiq_rx_slot *slot = urb->context;
	struct qmiq_rx *rx = &slot->q->rx;
	bool unlinked = !urb->actual_length &&
			(urb->status == -ENOENT || urb->status == -ECONNRESET);
	unsigned long flags;

	slot->status = urb->status;
	spin_lock_irqsave(&rx->lock, flags);
	list_add_tail(&slot->list, unlinked ? &rx->idle : &rx->done);
	spin_unlock_irqrestore(&rx->lock, flags);
	if (!unlinked)
		qmiq_kick(slot->q);
}

static struct qmiq_rx_slot *qmiq_rx_take_done(struct qmiq_rx *rx)
{
	struct qmiq_rx_slot *slot;

	spin_lock_irq(&rx->lock);
	slot = list_first_entry_or_null(&rx->done, struct qmiq_rx_slot, list);
	if (slot)
		list_del(&slot->list);
	spin_unlock_irq(&rx->lock);
	return slot;
}

/* The URB failed: counts why, parks it and has it recovered. */
static void qmiq_rx_failed(struct qmiq_rx_slot *slot)
{
	struct qmiq_dev *q = slot->q;
	bool stall = slot->status == -EPIPE;

	if (slot->status != -ESHUTDOWN && slot->status != -ENODEV)
		qmiq_rx_error(q, stall ? QMIQ_RX_STALL : QMIQ_RX_URB_ERROR);

	spin_lock_irq(&q->rx.lock);
	list_add_tail(&slot->list, &q->rx.idle);
	q->rx.stall |= stall;
	spin_unlock_irq(&q->rx.lock);

	/* Errors are usually an unplug under way: the wait avoids a storm. */
	schedule_delayed_work(&q->rx.recover, QMIQ_RX_RETRY);
}

/**
 * qmiq_rx_poll() - process completed DL URBs
 * @q: the module
 * @budget: packets
 *
 * An aggregate is always finished, even past the budget.
 *
 * Context: NAPI.
 * Return: packets done, @budget if there may be more.
 */
int qmiq_rx_poll(struct qmiq_dev *q, int budget)
{
	struct qmiq_rx_slot *slot;
	int work = 0;

	while (work < budget && (slot = qmiq_rx_take_done(&q->rx))) {
		switch (slot->status) {
		case 0:
			usb_mark_last_busy(q->usbnet->udev);
			work += qmiq_rx_transfer(slot);
			qmiq_rx_submit(slot, GFP_ATOMIC);
			break;
		case -EOVERFLOW:
			/* More than was asked for; what came can't be trusted. */
			work++;
			qmiq_rx_error(q, QMIQ_RX_BABBLE);
			qmiq_rx_submit(slot, GFP_ATOMIC);
			break;
		default:
			work++;
			qmiq_rx_failed(slot);
		}
	}
	return min(work, budget);
}

static void qmiq_rx_free(struct qmiq_dev *q)
{
	unsigned int i;

	for (i = 0; i < q->rx.count; i++) {
		usb_free_urb(q->rx.slots[i].urb);
		kfree(q->rx.slots[i].buffer);
	}
	qmiq_pages_free(&q->rx.pages);
	kfree(q->rx.slots);
	q->rx.slots = NULL;
	q->rx.count = 0;
	INIT_LIST_HEAD(&q->rx.done);
	INIT_LIST_HEAD(&q->rx.idle);
}

static int qmiq_rx_alloc(struct qmiq_dev *q)
{
	u32 budget = q->usbnet->udev->speed >= USB_SPEED_SUPER ?
		     QMIQ_RX_BUDGET_SUPER : QMIQ_RX_BUDGET_HIGH;
	u32 size = q->rx_urb_size;
	unsigned int i, pause, count = clamp_t(u32, budget / size,
					       QMIQ_RX_MIN_URBS,
					       QMIQ_RX_MAX_URBS);

	q->rx.slots = kcalloc(count, sizeof(*q->rx.slots), GFP_KERNEL);
	if (!q->rx.slots)
		return -ENOMEM;
	if (qmiq_pages_init(&q->rx.pages, 2 * budget)) {
		qmiq_rx_free(q);
		return -ENOMEM;
	}
	q->rx.count = count;
	for (i = 0; i < count; i++) {
		struct qmiq_rx_slot *slot = &q->rx.slots[i];

		slot->q = q;
		slot->urb = usb_alloc_urb(0, GFP_KERNEL);
		slot->buffer = kmalloc(size, GFP_KERNEL);
		slot->size = size;
		if (!slot->urb || !slot->buffer) {
			qmiq_rx_free(q);
			return -ENOMEM;
		}
		usb_fill_bulk_urb(slot->urb, q->usbnet->udev, q->usbnet->in,
				  slot->buffer, size, qmiq_rx_complete, slot);
		for (pause = 0; pause < q->rx.paused; pause++)
			usb_poison_urb(slot->urb);
		list_add_tail(&slot->list, &q->rx.idle);
	}
	return 0;
}

/**
 * qmiq_rx_start() - allocate the DL URBs and submit them
 * @q: the module
 *
 * In the middle of a reset qmiq_rx_resume() submits them.
 *
 * Context: process, RTNL, NAPI enabled, module awake.
 * Return: 0 or -ENOMEM.
 */
int qmiq_rx_start(struct qmiq_dev *q)
{
	int err = qmiq_rx_alloc(q);

	if (err)
		return err;
	qmiq_rx_submit_idle(q, GFP_KERNEL);
	return 0;
}

/**
 * qmiq_rx_stop() - take the DL URBs back and free them
 * @q: the module
 *
 * Context: process, RTNL; paused, NAPI disabled. Undoes the pause.
 */
void qmiq_rx_stop(struct qmiq_dev *q)
{
	cancel_delayed_work_sync(&q->rx.recover);
	qmiq_rx_free(q);
	q->rx.paused--;
}

void qmiq_rx_init(struct qmiq_dev *q)
{
	spin_lock_init(&q->rx.lock);
	INIT_LIST_HEAD(&q->rx.done);
	INIT_LIST_HEAD(&q->rx.idle);
	INIT_DELAYED_WORK(&q->rx.recover, qmiq_rx_recover);
}
