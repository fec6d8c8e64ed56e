// SPDX-License-Identifier: GPL-2.0
/*
 * The module as a USB device: binding to usbnet and cdc-wdm, DTR, power,
 * reset, and the NAPI context that completions run in.
 *
 * usbnet provides the netdev, its naming and the endpoints. Its own queues
 * stay empty: URBs are rx.c's and tx.c's.
 */
#include <linux/usb.h>
#include <linux/usb/cdc.h>
#include <linux/usb/cdc-wdm.h>
#include <net/gro.h>

#include "qmiq.h"

#define QMIQ_WDM_BUFFER_SIZE	4096
/* CDC PSTN SET_CONTROL_LINE_STATE, wValue bit 0. */
#define QMIQ_DTR		1

/*
 * Modem's end of the link in the Ethernet headers that this driver adds; also
 * what Qualcomm firmware uses where it can't do better.
 */
const u8 qmiq_modem_mac[ETH_ALEN] = { 0x02, 0x50, 0xf3, 0x00, 0x00, 0x00 };

/* RawIP modules answer only while DTR is set; the 802.3 ones don't know it. */
static void qmiq_set_dtr(struct qmiq_dev *q, bool on)
{
	int err;

	if (q->family->ethernet)
		return;
	err = usbnet_write_cmd_nopm(q->usbnet,
				    USB_CDC_REQ_SET_CONTROL_LINE_STATE,
				    USB_DIR_OUT | USB_TYPE_CLASS |
				    USB_RECIP_INTERFACE, on ? QMIQ_DTR : 0,
				    q->intf->cur_altsetting->desc.bInterfaceNumber,
				    NULL, 0);
	/* A module that is pulled out while it is reset is nothing to report. */
	if (err < 0 && err != -ENODEV && on)
		dev_warn(&q->intf->dev,
			 "can't set DTR (%d): the module may not answer\n",
			 err);
}

/*
 * The firmware's MAC where it has a usable one. An address that starts like
 * an IP header would be mistaken for one in 802.3.
 */
static void qmiq_set_mac(struct qmiq_dev *q)
{
	struct usb_host_interface *alt = q->intf->cur_altsetting;
	struct net_device *netdev = q->netdev;
	struct usb_cdc_parsed_header hdr;
	u8 addr[ETH_ALEN];

	cdc_parse_cdc_header(&hdr, q->intf, alt->extra, alt->extralen);
	if (hdr.usb_cdc_ether_desc &&
	    !usbnet_get_ethernet_addr(q->usbnet,
				      hdr.usb_cdc_ether_desc->iMACAddress) &&
	    is_valid_ether_addr(netdev->dev_addr) &&
	    !ether_addr_equal(netdev->dev_addr, qmiq_modem_mac) &&
	    !(netdev->dev_addr[0] & 0x40))
		return;
	eth_random_addr(addr);
	addr[0] &= ~0x40;
	eth_hw_addr_set(netdev, addr);
	netdev->addr_assign_type = NET_ADDR_RANDOM;
}

/* Remote wake-up is on from bind to unbind, see qmiq_create(). */
static int qmiq_wdm_manage_power(struct usb_interface *intf, int on)
{
	return 0;
}

static int qmiq_get_endpoints(struct usbnet *dev, struct usb_interface *intf)
{
	if (usbnet_get_endpoints(dev, intf) || !dev->status ||
	    !usb_maxpacket(dev->udev, dev->in) ||
	    !usb_maxpacket(dev->udev, dev->out)) {
		dev_err(&intf->dev, "unusable endpoints\n");
		return -ENODEV;
	}
	return 0;
}

static int qmiq_register_wdm(struct qmiq_dev *q)
{
	struct usb_driver *wdm;

	wdm = usb_cdc_wdm_register(q->intf, q->notifications,
				   QMIQ_WDM_BUFFER_SIZE, WWAN_PORT_QMI,
				   qmiq_wdm_manage_power);
	if (IS_ERR(wdm)) {
		dev_err(&q->intf->dev, "can't register with cdc-wdm: %ld\n",
			PTR_ERR(wdm));
		return PTR_ERR(wdm);
	}
	q->wdm = wdm;
	return 0;
}

static void qmiq_unregister_wdm(struct qmiq_dev *q)
{
	if (q->wdm)
		q->wdm->disconnect(q->intf);
	q->wdm = NULL;
}

static int qmiq_poll(struct napi_struct *napi, int budget)
{
	struct qmiq_dev *q = container_of(napi, struct qmiq_dev, napi);
	int work;

	qmiq_tx_reclaim(q);
	work = qmiq_rx_poll(q, budget);
	/* Pairs with qmiq_flush(). */
	if (unlikely(smp_load_acquire(&q->flush))) {
		napi_gro_flush(napi, false);
		q->flush = false;
		complete(&q->flushed);
	}
	if (work < budget)
		napi_complete_done(napi, work);
	return work;
}

static void qmiq_kick_tasklet(struct tasklet_struct *tasklet)
{
	struct qmiq_dev *q = container_of(tasklet, struct qmiq_dev, kick);

	napi_schedule(&q->napi);
}

/**
 * qmiq_kick() - have the NAPI context run
 * @q: the module
 *
 * Some host controllers (vhci for one) complete URBs in process context, where
 * napi_schedule() would leave the softirq pending until something else runs it
 * (it wakes nobody). A tasklet wakes ksoftirqd then.
 *
 * Context: any.
 */
void qmiq_kick(struct qmiq_dev *q)
{
	if (in_softirq() || in_hardirq())
		napi_schedule(&q->napi);
	else
		tasklet_schedule(&q->kick);
}

/**
 * qmiq_flush() - have GRO hand over what it holds back
 * @q: the module, its NAPI context enabled
 *
 * It holds packets of the mux netdevs on lists of the master's, with
 * gro_flush_timeout also between polls: a netdev whose packets come no more
 * may go after this and synchronize_net().
 *
 * Context: process, RTNL.
 */
void qmiq_flush(struct qmiq_dev *q)
{
	reinit_completion(&q->flushed);
	/* A poll that sees this sees what became of by_mux before. */
	smp_store_release(&q->flush, true);
	qmiq_kick(q);
	wait_for_completion(&q->flushed);
}

/**
 * qmiq_create() - set up a module that usbnet is binding
 * @dev: its usbnet; data[0] takes the qmiq_dev
 * @intf: QMI interface
 *
 * Context: process, before the master is registered.
 * Return: the module, or an ERR_PTR.
 */
struct qmiq_dev *qmiq_create(struct usbnet *dev, struct usb_interface *intf)
{
	struct qmiq_dev *q;
	int err;

	err = qmiq_get_endpoints(dev, intf);
	if (err)
		return ERR_PTR(err);

	q = kzalloc(sizeof(*q), GFP_KERNEL);
	if (!q)
		return ERR_PTR(-ENOMEM);
	q->usbnet = dev;
	q->netdev = dev->net;
	q->intf = intf;
	q->family = (const struct qmiq_family *)dev->driver_info->data;
	tasklet_setup(&q->kick, qmiq_kick_tasklet);
	init_completion(&q->flushed);
	mutex_init(&q->urbs);
	qmiq_rx_init(q);
	qmiq_tx_init(q);

	q->notifications = &dev->status->desc;
	err = qmiq_register_wdm(q);
	if (err) {
		kfree(q);
		return ERR_PTR(err);
	}
	/* The notification endpoint is cdc-wdm's, not usbnet's. */
	dev->status = NULL;

	/*
	 * Without remote wake-up these modules treat a suspend as a loss of
	 * DTR: they forget their QMI clients.
	 */
	intf->needs_remote_wakeup = 1;
	qmiq_set_dtr(q, true);
	qmiq_set_mac(q);
	netif_napi_add(q->netdev, &q->napi, qmiq_poll);
	dev->data[0] = (unsigned long)q;
	return q;
}

/**
 * qmiq_destroy() - undo qmiq_create()
 * @q: the module; freed
 *
 * Context: process; the master is unregistered, or never was registered.
 */
void qmiq_destroy(struct qmiq_dev *q)
{
	qmiq_unregister_wdm(q);
	qmiq_set_dtr(q, false);
	q->intf->needs_remote_wakeup = 0;
	cancel_delayed_work_sync(&q->changed);
	netif_napi_del(&q->napi);
	q->usbnet->data[0] = 0;
	kfree(q);
}

/* Master's ndo_open. */
int qmiq_open(struct net_device *master)
{
	struct qmiq_dev *q = qmiq_of_master(master);
	int err;

	if (q->leaving)
		return -ENODEV;
	err = usb_autopm_get_interface(q->intf);
	if (err)
		return err;
	mutex_lock(&q->urbs);
	err = qmiq_tx_start(q);
	if (err)
		goto err_unlock;
	napi_enable(&q->napi);
	err = qmiq_rx_start(q);
	if (err)
		goto err_stop_tx;
	netif_start_queue(master);
	mutex_unlock(&q->urbs);
	usb_autopm_put_interface(q->intf);
	return 0;

err_stop_tx:
	qmiq_tx_stop(q);
	napi_disable(&q->napi);
	qmiq_tx_free(q);
err_unlock:
	mutex_unlock(&q->urbs);
	usb_autopm_put_interface(q->intf);
	return err;
}

/* Takes all URBs back and stops the NAPI context; then @finish runs. */
static void qmiq_stop_data(struct qmiq_dev *q,
			   void (*finish)(struct qmiq_dev *q))
{
	/* Not in the middle of a suspend or resume; a module that is gone
	 * does neither.
	 */
	int awake = usb_autopm_get_interface(q->intf);

	mutex_lock(&q->urbs);
	qmiq_tx_stop(q);
	qmiq_rx_pause(q);
	qmiq_flush(q);
	tasklet_kill(&q->kick);
	napi_disable(&q->napi);
	finish(q);
	mutex_unlock(&q->urbs);
	if (!awake)
		usb_autopm_put_interface(q->intf);
}

static void qmiq_free_data(struct qmiq_dev *q)
{
	qmiq_rx_stop(q);
	qmiq_tx_free(q);
}

/* Master's ndo_stop. The mux netdevs go down with it. */
int qmiq_stop(struct net_device *master)
{
	struct qmiq_dev *q = qmiq_of_master(master);

	qmiq_mux_close_all(q);
	netif_stop_queue(master);
	qmiq_tx_stop_port(&q->master);
	qmiq_stop_data(q, qmiq_free_data);
	return 0;
}

/**
 * qmiq_halt() - stop the data path of a master that stays up
 * @q: the module; nothing happens if its master is down
 *
 * On return no packet moves, in no direction; transfers that were under way
 * are lost. The stack may go on handing over packets.
 *
 * Context: process, RTNL, which is held until qmiq_go_on().
 */
void qmiq_halt(struct qmiq_dev *q)
{
	if (netif_running(q->netdev))
		qmiq_stop_data(q, qmiq_rx_discard);
}

/**
 * qmiq_go_on() - undo qmiq_halt(); allocates nothing, so can't fail
 * @q: the module
 *
 * Context: process, RTNL.
 */
void qmiq_go_on(struct qmiq_dev *q)
{
	if (!netif_running(q->netdev))
		return;
	mutex_lock(&q->urbs);
	napi_enable(&q->napi);
	qmiq_rx_resume(q);
	qmiq_tx_go_on(q);
	mutex_unlock(&q->urbs);
}

static int qmiq_quiesce(struct qmiq_dev *q, bool only_if_idle)
{
	int err;

	mutex_lock(&q->urbs);
	err = qmiq_tx_suspend(q, only_if_idle);
	if (!err)
		qmiq_rx_pause(q);
	mutex_unlock(&q->urbs);
	return err;
}

static void qmiq_revive(struct qmiq_dev *q)
{
	mutex_lock(&q->urbs);
	qmiq_rx_resume(q);
	qmiq_tx_resume(q);
	mutex_unlock(&q->urbs);
}

/* usb_driver callbacks: the netdevs stay, with all that is queued on them. */
int qmiq_suspend(struct usb_interface *intf, pm_message_t message)
{
	struct qmiq_dev *q = qmiq_of(usb_get_intfdata(intf));
	int err;

	err = qmiq_quiesce(q, PMSG_IS_AUTO(message));
	if (err)
		return err;
	err = q->wdm->suspend(intf, message);
	/* Of a system sleep the core ignores errors: it resumes all the same. */
	if (!err || !PMSG_IS_AUTO(message))
		return 0;
	qmiq_revive(q);
	return err;
}

int qmiq_resume(struct usb_interface *intf)
{
	struct qmiq_dev *q = qmiq_of(usb_get_intfdata(intf));
	int err;

	err = q->wdm->resume(intf);
	/* Packets must not wait for a control channel that failed. */
	qmiq_revive(q);
	return err;
}

/* The module was reset: its DTR and data format are gone, ours to restore. */
static void qmiq_restore(struct qmiq_dev *q)
{
	qmiq_set_dtr(q, true);
	qmiq_control_forget(q);
}

int qmiq_reset_resume(struct usb_interface *intf)
{
	qmiq_restore(qmiq_of(usb_get_intfdata(intf)));
	return qmiq_resume(intf);
}

/*
 * The netdevs stay. The control node goes and comes back, as the module forgets
 * its QMI clients: that is how they learn of it. cdc-wdm's own pre_reset() has
 * a read fail, after which libqmi never reads again.
 */
int qmiq_pre_reset(struct usb_interface *intf)
{
	struct qmiq_dev *q = qmiq_of(usb_get_intfdata(intf));

	qmiq_quiesce(q, false);
	qmiq_unregister_wdm(q);
	return 0;
}

/* After an error the interface is bound anew. */
int qmiq_post_reset(struct usb_interface *intf)
{
	struct qmiq_dev *q = qmiq_of(usb_get_intfdata(intf));
	int err;

	/* Before there are QMI clients. */
	qmiq_restore(q);
	err = qmiq_register_wdm(q);
	qmiq_revive(q);
	return err;
}
