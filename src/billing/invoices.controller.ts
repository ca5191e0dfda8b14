import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../auth/actor';
import { CurrentActor } from '../auth/current';
import { Requires } from '../auth/requires';
import { AllInvoicesQuery, toInvoiceDto } from './dto/invoice.dto';
import { InvoicesService } from './invoices.service';

@ApiTags('Administration')
@Controller('v1/admin/invoices')
@Requires('operator')
export class InvoicesController {
  constructor(private readonly invoices: InvoicesService) {}

  @Get()
  @ApiOperation({ summary: 'Invoices of all organisations, newest first', operationId: 'listAllInvoices' })
  async list(@Query() { limit, status, org_id: orgId }: AllInvoicesQuery) {
    const [invoices, total] = await this.invoices.list({ status, orgId }, limit);
    return {
      invoices: invoices.map((invoice) => ({ ...toInvoiceDto(invoice), org_id: invoice.orgId })),
      total_count: total,
    };
  }

  @Post(':invoice_id/pay')
  @HttpCode(200)
  @ApiOperation({ summary: 'Note that it was paid; what it pays for is made from now on', operationId: 'payInvoice' })
  async pay(@CurrentActor() actor: Actor, @Param('invoice_id') id: string) {
    return toInvoiceDto(await this.invoices.pay(actor, id));
  }

  @Post(':invoice_id/void')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take an open invoice back', operationId: 'voidInvoice' })
  async cancel(@CurrentActor() actor: Actor, @Param('invoice_id') id: string) {
    return toInvoiceDto(await this.invoices.cancel(actor, id));
  }
}
