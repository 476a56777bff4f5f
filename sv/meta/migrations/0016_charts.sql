-- How saved trends are drawn; null for funnels, and for trends that were saved before it could be said, which are drawn as lines.
alter table saved_insights add column chart text check (chart in ('line', 'bar'));
