import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import { INVOICE_STATUSES, type Invoice, type InvoiceStatus } from '../invoice.entity';

export class InvoicesQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 10;
}

export class AllInvoicesQuery extends InvoicesQuery {
  @IsOptional()
  @IsIn(INVOICE_STATUSES)
  status?: InvoiceStatus;

  @IsOptional()
  @IsUUID()
  org_id?: string;
}

export function toInvoiceDto(invoice: Invoice): object {
  return {
    id: invoice.id,
    number: invoice.number,
    status: invoice.status,
    amount_due: invoice.amountDue,
    amount_paid: invoice.amountPaid,
    currency: invoice.currency,
    created: invoice.createdAt.toISOString(),
    due_date: invoice.dueDate?.toISOString() ?? null,
    paid_at: invoice.paidAt?.toISOString() ?? null,
    invoice_pdf: invoice.invoicePdf,
    hosted_invoice_url: invoice.hostedInvoiceUrl,
    line_items: invoice.lineItems,
    subscription_id: invoice.subscriptionId,
  };
}
