/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Modules that are driven: vendor, product, number of the QMI interface,
 * family. Included by main.c alone.
 */
static const struct usb_device_id qmiq_ids[] = {
	/* Gobi 2000 era: 802.3 only */
	QMIQ_ID(0x05c6, 0x9003, 4, ethernet),	/* UC20 */
	QMIQ_ID(0x05c6, 0x9215, 4, ethernet),	/* EC20 */

	/* MDM9x07 */
	QMIQ_ID(0x2c7c, 0x0125, 4, mdm9x07),	/* EC25 */
	QMIQ_ID(0x2c7c, 0x0121, 4, mdm9x07),	/* EC21 */
	QMIQ_ID(0x2c7c, 0x0191, 4, mdm9x07),	/* EG91 */
	QMIQ_ID(0x2c7c, 0x0195, 4, mdm9x07),	/* EG95 */
	QMIQ_ID(0x2c7c, 0x030e, 4, mdm9x07),	/* EM05-G */
	QMIQ_ID(0x2c7c, 0x0296, 4, mdm9x07),	/* BG96 */
	QMIQ_ID(0x2c7c, 0x0435, 4, mdm9x07),	/* AG35 */
	QMIQ_ID(0x2c7c, 0x0700, 3, mdm9x07),	/* BG95 */

	/* MDM9x40, SDX12, SDX20, SDX24, SDX35 */
	QMIQ_ID(0x2c7c, 0x0306, 4, sdx20),	/* EP06, EG06, EM06 */
	QMIQ_ID(0x2c7c, 0x030b, 4, sdx20),	/* EM060K, EG120K */
	QMIQ_ID(0x2c7c, 0x0512, 4, sdx20),	/* EG12, EM12, EG18 */
	QMIQ_ID(0x2c7c, 0x0620, 4, sdx20),	/* EM160R */
	QMIQ_ID(0x2c7c, 0x0455, 2, sdx20),	/* AG551 */
	QMIQ_ID(0x2c7c, 0x0457, 2, sdx20),	/* AG598 */
	QMIQ_ID(0x2c7c, 0x0316, 3, sdx20),	/* RG255C */

	/* SDX55 and later: 5G */
	QMIQ_ID(0x2c7c, 0x0800, 4, sdx55),	/* RG500Q, RM500Q */
	QMIQ_ID(0x2c7c, 0x0801, 4, sdx55),	/* RG520N, RM520N */
	QMIQ_ID(0x2c7c, 0x0122, 4, sdx55),	/* RG650V */
	QMIQ_ID(0x2c7c, 0x013d, 4, sdx55),	/* RG660 */

	/* Other brands on the same chips */
	QMIQ_ID(0x2cb7, 0x0104, 4, sdx55),	/* Fibocom FG150, FM150 */
	QMIQ_ID(0x2cb7, 0x0109, 2, sdx20),	/* Fibocom */
	QMIQ_ID(0x1e0e, 0x9001, 5, mdm9x07),	/* SIMCom */
	QMIQ_ID(0x2dee, 0x4d22, 5, sdx55),	/* MeiG */
	QMIQ_ID(0x1bc7, 0x1070, 2, sdx55),	/* Telit FN990 */
	QMIQ_ID(0x05c6, 0x9025, 4, sdx20),	/* Qualcomm reference design */
	{ }
};
MODULE_DEVICE_TABLE(usb, qmiq_ids);
