/** OwnerRate: how many rumors of each owner are taken. */
import { CellRate } from '../base/cell-rate.ts';
import type { OwnerId } from '../record/owner.ts';

export class OwnerRate extends CellRate<OwnerId> {
  constructor() {
    super({ burst: 200, perSecond: 100, keysMax: 10_000 });
  }
}
