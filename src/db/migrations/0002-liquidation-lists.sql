-- Lists of the liquidations of a tenant, the newest first, of one status.
-- compatible-from: 1
create index liquidations_by_status on unwind.liquidations (tenant_id, status, liquidation_id);
