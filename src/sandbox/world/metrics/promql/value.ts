import type { Labels } from '../labels.ts';
import type { Point } from '../series.ts';

export interface Sample {
  labels: Labels;
  value: number;
}

export interface RangeSeries {
  labels: Labels;
  points: readonly Point[];
}

/** Range vectors know the window they were asked for: extrapolation needs its ends. */
export interface Matrix {
  type: 'matrix';
  series: readonly RangeSeries[];
  fromMs: number;
  toMs: number;
}

export interface Vector {
  type: 'vector';
  samples: readonly Sample[];
}

export type Value = { type: 'scalar'; value: number } | { type: 'string'; value: string } | Vector | Matrix;
