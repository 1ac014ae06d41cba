/** Pages (4 KiB) of a guest that the backend of one of its disks could reach, has mapped, and has touched. */
export interface ReportExposure {
  /** Guest and vdev. */
  disk: string;
  guest: string;
  /** Domain of the backend. */
  domain: string;
  by: 'foreign' | 'grants' | 'nothing';
  /** What Xen's policy would have let the domain map; what the guest had granted to it. The most that was seen. */
  reachable: number;
  granted: number;
  /** Mapped at the end; at the same time, at most; different ones in all. */
  mapped: number;
  peak: number;
  everMapped: number;
  /** Different pages read or written. */
  touched: number;
  /** Pages mapped, summed over simulated time. */
  pageSeconds: number;
  /** Most pages mapped at the same time within each so many ticks, from the start. */
  timeline: { bucketTicks: number; mapped: number[] };
}

/** One line for each disk that mapped anything. */
export function exposureLines(exposures: readonly ReportExposure[]): string[] {
  return exposures
    .filter(({ by }) => by !== 'nothing')
    .map(({ disk, domain, by, reachable, granted, peak, everMapped, touched, pageSeconds }) => {
      const means = by === 'grants' ? `${group(granted)} granted` : 'foreign mappings';
      return (
        `exposure: ${domain} can reach ${group(reachable)} pages of the guest (${means}); ` +
        `${disk} mapped ${group(everMapped)}, ${peak} at once, touched ${group(touched)}; ${pageSeconds.toFixed(3)} page-seconds`
      );
    });
}

function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
