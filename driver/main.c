// SPDX-License-Identifier: GPL-2.0
/*
 * qmi_wwan_q: network driver for Qualcomm-based cellular modules, with RawIP,
 * QMAP aggregation and QMAP multiplexing. Module, parameters, USB driver.
 */
#include <linux/module.h>

#include "qmiq.h"
#include "version.h"

uint qmiq_param_mode;
uint qmiq_param_bridge_mode;
static long qmiq_param_agg_time_limit = NSEC_PER_MSEC;
static long qmiq_param_agg_bypass_time = 10 * NSEC_PER_MSEC;
char *qmiq_param_separator = ".";

static const char *qmiq_driver_name = KBUILD_MODNAME;

static int qmiq_set_mode(const char *text, const struct kernel_param *kp)
{
	unsigned int mode;

	if (kstrtouint(text, 0, &mode) || mode > QMIQ_MAX_PDN) {
		pr_err(KBUILD_MODNAME ": %s=%.16s: not a number from 0 to %u\n",
		       kp->name, strim((char *)text), QMIQ_MAX_PDN);
		return -EINVAL;
	}
	*(uint *)kp->arg = mode;
	return 0;
}

static const struct kernel_param_ops qmiq_mode_ops = {
	.set = qmiq_set_mode,
	.get = param_get_uint,
};

static int qmiq_set_separator(const char *text, const struct kernel_param *kp)
{
	static char separator[2];
	const char *trimmed = strim((char *)text);

	if (strlen(trimmed) != 1 || !strchr("._-", *trimmed)) {
		pr_err(KBUILD_MODNAME ": %s: one of . _ - is meant\n",
		       kp->name);
		return -EINVAL;
	}
	separator[0] = *trimmed;
	*(char **)kp->arg = separator;
	return 0;
}

static const struct kernel_param_ops qmiq_separator_ops = {
	.set = qmiq_set_separator,
	.get = param_get_charp,
};

static int qmiq_set_driver_name(const char *text, const struct kernel_param *kp)
{
	static const char * const names[] = {
		KBUILD_MODNAME,
		"qmi_wwan",
	};
	int i = match_string(names, ARRAY_SIZE(names), strim((char *)text));

	if (i < 0) {
		pr_err(KBUILD_MODNAME ": %s: qmi_wwan_q or qmi_wwan is meant\n",
		       kp->name);
		return -EINVAL;
	}
	*(const char **)kp->arg = names[i];
	return 0;
}

static const struct kernel_param_ops qmiq_driver_name_ops = {
	.set = qmiq_set_driver_name,
	.get = param_get_charp,
};

module_param_cb(qmap_mode, &qmiq_mode_ops, &qmiq_param_mode, 0644);
__MODULE_PARM_TYPE(qmap_mode, "uint");
MODULE_PARM_DESC(qmap_mode, "for modules plugged in from now on: 0 RawIP (default), 1 QMAP aggregation, 2 to 8 QMAP with that many PDNs, each with a netdev");
module_param_cb(rx_qmap, &qmiq_mode_ops, &qmiq_param_mode, 0644);
__MODULE_PARM_TYPE(rx_qmap, "uint");
MODULE_PARM_DESC(rx_qmap, "older name of qmap_mode");
module_param_cb(mux_separator, &qmiq_separator_ops, &qmiq_param_separator, 0644);
__MODULE_PARM_TYPE(mux_separator, "charp");
MODULE_PARM_DESC(mux_separator, "what stands between master and number in a mux netdev's name: . (default), _ (OpenWrt, Android) or -");
module_param_cb(driver_name, &qmiq_driver_name_ops, &qmiq_driver_name, 0444);
__MODULE_PARM_TYPE(driver_name, "charp");
MODULE_PARM_DESC(driver_name, "name of the USB driver: qmi_wwan_q (default), or qmi_wwan for programs that know the in-tree driver alone, which must not be loaded then");
module_param_named(bridge_mode, qmiq_param_bridge_mode, uint, 0644);
MODULE_PARM_DESC(bridge_mode, "bit n-1: PDN n starts in bridge mode");
module_param_named(agg_time_limit, qmiq_param_agg_time_limit, long, 0644);
MODULE_PARM_DESC(agg_time_limit, "accepted for the vendor driver's sake, without effect: packets wait for those before them alone");
module_param_named(agg_bypass_time, qmiq_param_agg_bypass_time, long, 0644);
MODULE_PARM_DESC(agg_bypass_time, "accepted for the vendor driver's sake, without effect: on an idle link no packet waits");

#define QMIQ_FAMILY(id, ...)						\
	static const struct qmiq_family qmiq_family_##id = {		\
		__VA_ARGS__						\
	};								\
	static const struct driver_info qmiq_info_##id = {		\
		.description = "WWAN/QMI device",			\
		.bind = qmiq_bind,					\
		.unbind = qmiq_unbind,					\
		.data = (unsigned long)&qmiq_family_##id,		\
	}

static int qmiq_bind(struct usbnet *dev, struct usb_interface *intf)
{
	struct qmiq_dev *q = qmiq_create(dev, intf);

	if (IS_ERR(q))
		return PTR_ERR(q);
	if (!q->family->ethernet)
		dev_info(&intf->dev, "Quectel modules work on RawIP mode\n");
	rtnl_lock();
	qmiq_control_init(q, READ_ONCE(qmiq_param_mode));
	rtnl_unlock();
	return 0;
}

static void qmiq_unbind(struct usbnet *dev, struct usb_interface *intf)
{
	qmiq_destroy(qmiq_of(dev));
}

QMIQ_FAMILY(ethernet, .name = "802.3", .ethernet = true);
QMIQ_FAMILY(mdm9x07, .name = "MDM9x07", .version = QMAP_V1, .dl_size = 4096);
QMIQ_FAMILY(sdx20, .name = "SDX20", .version = QMAP_V1, .dl_size = 16384);
QMIQ_FAMILY(sdx55, .name = "5G", .version = QMAP_V5, .dl_size = 31744,
	    .qmap_only = true);
/* Ids added at run time: what most modules take. */
QMIQ_FAMILY(dynamic, .name = "unknown", .version = QMAP_V1, .dl_size = 16384);

#define QMIQ_ID(vid, pid, ifnum, id)					\
	{ USB_DEVICE_INTERFACE_NUMBER(vid, pid, ifnum),			\
	  .driver_info = (unsigned long)&qmiq_info_##id }
#include "id_table.h"

/* DIAG has two endpoints, the serial ports are ff/00/00. */
static bool qmiq_is_serial(const struct usb_interface_descriptor *desc)
{
	return desc->bNumEndpoints < 3 ||
	       (!desc->bInterfaceSubClass && !desc->bInterfaceProtocol);
}

static bool qmiq_is_qmi(struct usb_interface *intf, bool dynamic)
{
	const struct usb_interface_descriptor *desc =
		&intf->cur_altsetting->desc;
	bool vendor = desc->bInterfaceClass == USB_CLASS_VENDOR_SPEC;

	if (vendor && !qmiq_is_serial(desc))
		return true;
	/* An id added at run time matches the serial interfaces too. */
	if (!(dynamic && vendor))
		dev_info(&intf->dev,
			 "not a QMI interface (class %02x/%02x/%02x, %u endpoints): the module is in another network-card type; AT+QCFG=\"usbnet\",0 and AT+CFUN=1,1 make it QMI\n",
			 desc->bInterfaceClass, desc->bInterfaceSubClass,
			 desc->bInterfaceProtocol, desc->bNumEndpoints);
	return false;
}

static void qmiq_disconnect(struct usb_interface *intf)
{
	struct usbnet *dev = usb_get_intfdata(intf);

	if (!dev)
		return;
	rtnl_lock();
	qmiq_control_stop(qmiq_of(dev));
	rtnl_unlock();
	usbnet_disconnect(intf);
}

static int qmiq_probe(struct usb_interface *intf,
		      const struct usb_device_id *matched)
{
	struct usb_device_id id = *matched;
	int err;

	if (!qmiq_is_qmi(intf, !id.driver_info))
		return -ENODEV;
	if (!id.driver_info)
		id.driver_info = (unsigned long)&qmiq_info_dynamic;
	err = usbnet_probe(intf, &id);
	if (err)
		return err;

	rtnl_lock();
	err = qmiq_control_start(qmiq_of(usb_get_intfdata(intf)));
	rtnl_unlock();
	if (err)
		usbnet_disconnect(intf);
	return err;
}

static struct usb_driver qmiq_driver = {
	.id_table		= qmiq_ids,
	.probe			= qmiq_probe,
	.disconnect		= qmiq_disconnect,
	.suspend		= qmiq_suspend,
	.resume			= qmiq_resume,
	.reset_resume		= qmiq_reset_resume,
	.pre_reset		= qmiq_pre_reset,
	.post_reset		= qmiq_post_reset,
	.supports_autosuspend	= 1,
	.disable_hub_initiated_lpm = 1,
};

static int __init qmiq_init(void)
{
	int err = qmiq_mux_register();

	if (err)
		return err;
	err = qmiq_netlink_register();
	if (err)
		goto err_mux_unregister;
	qmiq_driver.name = qmiq_driver_name;
	err = usb_register(&qmiq_driver);
	if (err == -EBUSY)
		pr_err(KBUILD_MODNAME ": another driver is named %s: is the in-tree one loaded (rmmod qmi_wwan)?\n",
		       qmiq_driver_name);
	if (err)
		goto err_netlink_unregister;
	return 0;

err_netlink_unregister:
	qmiq_netlink_unregister();
err_mux_unregister:
	qmiq_mux_unregister();
	return err;
}
module_init(qmiq_init);

static void __exit qmiq_exit(void)
{
	usb_deregister(&qmiq_driver);
	qmiq_netlink_unregister();
	qmiq_mux_unregister();
}
module_exit(qmiq_exit);

MODULE_DESCRIPTION("Qualcomm MSM Interface (QMI) WWAN driver with QMAP");
MODULE_LICENSE("GPL");
MODULE_VERSION(QMIQ_VERSION);
