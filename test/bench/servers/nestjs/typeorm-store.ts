import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Verification } from './verification.entity.js';
import { VerificationStore } from './verification-store.js';

/** PostgreSQL through TypeORM, as a careful team would add it: conditional updates, no reads before. */
@Injectable()
export class TypeOrmStore extends VerificationStore {
  constructor(@InjectRepository(Verification) private readonly rows: Repository<Verification>) {
    super();
  }

  override async create(pinId: string, phoneNumber: string): Promise<void> {
    await this.rows.insert({ pinId, phoneNumber });
  }

  override async confirm(pinId: string, providerPinId: string): Promise<void> {
    await this.rows.update({ pinId, status: 'sending' }, { providerPinId, status: 'pending' });
  }

  override async countAttempt(pinId: string): Promise<string> {
    const { raw } = await this.rows
      .createQueryBuilder()
      .update()
      .set({ attempts: () => 'attempts + 1' })
      .where({ pinId, status: 'pending' })
      .returning(['providerPinId'])
      .execute();
    const [row] = raw as { providerPinId: string }[];
    if (!row) throw new NotFoundException();
    return row.providerPinId;
  }

  override async complete(pinId: string): Promise<void> {
    await this.rows.update({ pinId, status: 'pending' }, { status: 'verified' });
  }
}
