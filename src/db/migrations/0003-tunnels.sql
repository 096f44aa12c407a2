-- Tunnels of a sandbox: addresses for webhooks that lead into the database. Owner: tunnels.
-- compatible-from: 2

create table unwind.tunnels (
  tenant_id uuid not null,
  tunnel_id uuid not null,
  created_at timestamptz not null,
  -- When its client last asked for what came: a tunnel that nobody asks for is removed.
  polled_at timestamptz not null,
  constraint tunnels_pkey primary key (tenant_id, tunnel_id),
  constraint tunnels_tenant foreign key (tenant_id) references unwind.tenants
);

-- What came through, until its client has taken it.
create table unwind.tunnel_requests (
  tenant_id uuid not null,
  tunnel_id uuid not null,
  request_id uuid not null,
  headers text not null,
  body text not null,
  bytes integer not null,
  received_at timestamptz not null,
  constraint tunnel_requests_pkey primary key (tenant_id, tunnel_id, request_id),
  constraint tunnel_requests_tunnel
    foreign key (tenant_id, tunnel_id) references unwind.tunnels on delete cascade,
  constraint tunnel_requests_bytes check (bytes >= 0)
);
