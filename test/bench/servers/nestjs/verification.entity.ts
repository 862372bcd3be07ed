import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class Verification {
  @PrimaryColumn()
  pinId!: string;

  @Column()
  phoneNumber!: string;

  @Column({ default: '' })
  providerPinId!: string;

  @Column({ default: 'sending' })
  status!: string;

  @Column({ default: 0 })
  attempts!: number;
}
