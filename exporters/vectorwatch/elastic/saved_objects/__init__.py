"""What Kibana shows of the logs, declared; `build` writes it into kibana/saved-objects/ as Kibana imports it.

Shapes are those of Kibana's own schemas and of dashboards that Elastic publishes for Kibana 8 and 9:
elastic/kibana, `src/platform/plugins/shared/{dashboard,saved_search,data_views}/server/**/saved_object*`;
elastic/integrations, `packages/nginx_otel/kibana/dashboard/`. Each object names the version of its type whose
schema it keeps; newer Kibanas lead it on from there themselves.
"""
