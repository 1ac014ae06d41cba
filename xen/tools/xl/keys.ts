/** Keys of xl.cfg(5), and which of them this simulator acts on. */
export const MODELLED_KEYS = [
  'name',
  'uuid',
  'type',
  'kernel',
  'ramdisk',
  'cmdline',
  'root',
  'extra',
  'memory',
  'maxmem',
  'vcpus',
  'maxvcpus',
  'cpus',
  'cpu_weight',
  'vuart',
  'disk',
  'virtio',
  'vdisk',
  'nr_spis',
  'irqs',
  'on_poweroff',
  'on_reboot',
  'on_crash',
] as const;

/** Known to xl, without effect here: named once in a warning. */
export const KNOWN_KEYS: readonly string[] = (
  'acpi acpi_firmware address_size altp2m altp2m_count apic argo arm_sci backend_domid bios bios_path_override blkdev_start boot bootloader bootloader_args ' +
  'bootloader_restrict bootloader_group bootloader_user builder cap channel claim_mode colors console_autoconnect cpuid cpus_soft cpu_weight device_model_args device_model_args_hvm ' +
  'device_model_args_pv device_model_override device_model_stubdomain_override device_model_stubdomain_seclabel device_model_user device_model_version device_tree disable_migrate ' +
  'dm_restrict driver_domain dtdev e820_host event_channels firmware gfx_passthru gic_version grant_version hap hdtype hpet hvm init_seclabel iomem ioports keymap llc_colors ' +
  'localtime max_event_channels max_grant_frames max_grant_version max_maptrack_frames mca_caps memory_policy monitor ms_vm_genid nestedhvm nographic nomigrate nx opengl p9 pae ' +
  'passthrough pci pci_msitranslate pci_permissive pci_power_mgmt pci_seize pool pvh pvcalls pvshim pvshim_cmdline pvshim_extra pvshim_path rdm rdm_mem_boundary rtc_timeoffset ' +
  'scsi sdl seclabel serial shadow_memory smbios_firmware soundhw spice spiceagent_mouse spicedisable_ticketing spicehost spicepasswd spiceport spicetls_port spiceusbredirection ' +
  'spicevdagent spice_clipboard_sharing spice_image_compression spice_streaming_video static_shm stdvga suppress_spurious_page_faults sve system_firmware tee timeoffset timer_mode ' +
  'trap_unmapped_accesses tsc_mode usb usbctrl usbdev usbdevice usbversion vcpus_weight vdisplay vfb vga vif vif2 videoram viridian vkb vmtrace_buf_kb vnc vncdisplay vnclisten vncpasswd vncunused vnuma ' +
  'vpmu vpt_align vsnd vtpm watchdog_action watchdog xen_platform_pci xend_suspend_evtchn_compat xenpt_hugepages on_watchdog on_soft_reset stubdomain_cmdline stubdomain_kernel stubdomain_memory stubdomain_ramdisk'
).split(' ');
