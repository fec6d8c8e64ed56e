// SPDX-License-Identifier: GPL-2.0
/* usb_cdc_wdm_register() is told the kind of WWAN port, 5.14. */
#include <linux/usb.h>
#include <linux/usb/cdc-wdm.h>

struct usb_driver *probe(struct usb_interface *intf,
			 struct usb_endpoint_descriptor *ep)
{
#ifdef PROBE_NEW
	return usb_cdc_wdm_register(intf, ep, 0, WWAN_PORT_QMI, NULL);
#else
	return usb_cdc_wdm_register(intf, ep, 0, NULL);
#endif
}
