// SPDX-License-Identifier: GPL-2.0
/*
 * DL path, first half: URBs.
 *
 * A fixed set of URBs with buffers of their own is kept with the host
 * controller while the master is up: no allocation that grows with the
 * aggregate, and no transfer fails for want of memory. Completed URBs wait on
 * a list for the NAPI context, which has their transfers taken apart (rx.c) and
 * gives them back at once.
 */
#include "qmiq.h"

/* Memory of a module's DL URBs, by speed, as in the URB budget of usbnet. */
#define QMIQ_RX_BUDGET_HIGH	(256 * 1024)
#define QMIQ_RX_BUDGET_SUPER	(512 * 1024)
/* Memory of its packets that is used again: what readers are behind with. */
#define QMIQ_RX_PAGES		(1024 * 1024)
#define QMIQ_RX_MIN_URBS	4
#define QMIQ_RX_MAX_URBS	32
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

static int qmiq_rx_succeeded(struct qmiq_rx_slot *slot)
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
	return qmiq_rx_transfer(q, slot->buffer, len);
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
 * qmiq_rx_discard() - give up the transfers that were not processed
 * @q: the module
 *
 * Context: process, RTNL; paused, NAPI disabled.
 */
void qmiq_rx_discard(struct qmiq_dev *q)
{
	const struct qmiq_rx_slot *slot;

	spin_lock_irq(&q->rx.lock);
	list_for_each_entry(slot, &q->rx.done, list)
		if (slot->urb->actual_length)
			qmiq_rx_error(q, QMIQ_RX_DISCARDED);
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
			work += qmiq_rx_succeeded(slot);
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
	if (work)
		qmiq_rx_end_poll(q);
	return min(work, budget);
}

static void qmiq_rx_free(struct qmiq_dev *q)
{
	unsigned int i;

	qmiq_rx_discard(q);
	for (i = 0; i < q->rx.count; i++) {
		usb_free_urb(q->rx.slots[i].urb);
		kfree(q->rx.slots[i].buffer);
	}
	qmiq_pages_free(&q->rx.pages);
	kfree(q->rx.slots);
	q->rx.slots = NULL;
	q->rx.count = 0;
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
	if (qmiq_pages_init(&q->rx.pages, QMIQ_RX_PAGES)) {
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
	INIT_LIST_HEAD(&q->rx.past_gro);
	INIT_DELAYED_WORK(&q->rx.recover, qmiq_rx_recover);
}
