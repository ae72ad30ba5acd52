import { clusterPrinters } from './printers-cluster.ts';
import type { Printer } from './printer.ts';
import { networkPrinters } from './printers-network.ts';
import { workloadPrinters } from './printers-workloads.ts';

/** The printers of Kubernetes' own kinds, by `group/Kind`. */
export const printers: Record<string, Printer> = {
  ...workloadPrinters,
  ...networkPrinters,
  ...clusterPrinters,
};
