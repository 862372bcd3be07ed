import { randomBytes } from 'node:crypto';
import type {
  ApplicationFields,
  ApplicationUpdate,
  InfobipApplication,
} from './infobip-application.js';
import { InfobipError } from './infobip-error.js';
import {
  isEmailTemplate,
  type EmailTemplateFields,
  type MessageTemplate,
  type TextTemplateFields,
} from './message-template.js';

/** For applications and templates each. Bounds the memory of a sandbox that runs for a long time. */
const MAX_ITEMS = 10_000;

/** `text`: the template of an SMS or a call. */
export type TemplateKind = 'text' | 'email';

/** Generates an id in Infobip's format: 32 upper-case hex digits. */
export const generateId = () => randomBytes(16).toString('hex').toUpperCase();

/** Keeps applications and their message templates in memory. */
export class ApplicationStore {
  private readonly applications = new Map<string, InfobipApplication>();
  private readonly templates = new Map<string, MessageTemplate>();

  /** @throws InfobipError 429 if the store is full. */
  createApplication(fields: ApplicationFields, applicationId = generateId()): InfobipApplication {
    assertCapacity(this.applications);
    const application = { applicationId, ...fields };
    this.applications.set(applicationId, application);
    return application;
  }

  /** Changes only the fields that `update` has. @throws InfobipError 404 */
  updateApplication(applicationId: string, update: ApplicationUpdate): InfobipApplication {
    const old = this.getApplication(applicationId);
    const configuration = { ...old.configuration, ...update.configuration };
    const application = { ...old, ...update, configuration };
    this.applications.set(applicationId, application);
    return application;
  }

  /** @throws InfobipError 404 */
  getApplication(applicationId: string): InfobipApplication {
    return requireFound(this.applications.get(applicationId));
  }

  listApplications(): InfobipApplication[] {
    return [...this.applications.values()];
  }

  /** @throws InfobipError 404 for an unknown application, 429 if the store is full. */
  createTemplate(
    applicationId: string,
    fields: TextTemplateFields | EmailTemplateFields,
    messageId = generateId(),
  ): MessageTemplate {
    this.getApplication(applicationId);
    assertCapacity(this.templates);
    const template = { messageId, applicationId, ...fields };
    this.templates.set(messageId, template);
    return template;
  }

  /**
   * Changes only the fields that `update` has.
   * @throws InfobipError 404, also for a template of the other kind.
   */
  updateTemplate(
    kind: TemplateKind,
    { applicationId, messageId }: { applicationId: string; messageId: string },
    update: Partial<TextTemplateFields> | Partial<EmailTemplateFields>,
  ): MessageTemplate {
    const old = this.getTemplate(applicationId, messageId);
    if (isEmailTemplate(old) !== (kind === 'email')) throw new InfobipError(404);
    const template = { ...old, ...update };
    this.templates.set(messageId, template);
    return template;
  }

  /** @throws InfobipError 404 */
  getTemplate(applicationId: string, messageId: string): MessageTemplate {
    this.getApplication(applicationId);
    const template = this.templates.get(messageId);
    return requireFound(template?.applicationId === applicationId ? template : undefined);
  }

  /** @throws InfobipError 404 */
  listTemplates(applicationId: string): MessageTemplate[] {
    this.getApplication(applicationId);
    return [...this.templates.values()].filter(
      (template) => template.applicationId === applicationId,
    );
  }
}

/** @throws InfobipError 404 if there is no item. */
export function requireFound<T>(item: T | undefined): T {
  if (item === undefined) throw new InfobipError(404);
  return item;
}

function assertCapacity({ size }: ReadonlyMap<string, unknown>): void {
  if (size >= MAX_ITEMS) throw new InfobipError(429);
}
