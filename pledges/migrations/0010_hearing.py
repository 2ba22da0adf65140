import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_enterprise_profile'),
        ('pledges', '0009_disposal'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='registration',
            constraint=models.UniqueConstraint(condition=models.Q(('national_number', ''), _negated=True), fields=('national_number',), name='national_number_once'),
        ),
        migrations.AddField(
            model_name='revocation',
            name='heard_until',
            field=models.DateTimeField(null=True, verbose_name='陈述意见至'),
        ),
        migrations.AddField(
            model_name='revocation',
            name='told_at',
            field=models.DateTimeField(null=True, verbose_name='告知当事人的时间'),
        ),
        migrations.CreateModel(
            name='RevocationStatement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=1000, verbose_name='意见')),
                ('said_by', models.CharField(max_length=200)),
                ('said_at', models.DateTimeField()),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('revocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='pledges.revocation')),
            ],
            options={
                'verbose_name': '陈述意见',
                'verbose_name_plural': '陈述意见',
                'ordering': ['pk'],
            },
        ),
        migrations.AddConstraint(
            model_name='revocation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('heard_until', None), ('told_at', None)), ('heard_until__gt', models.F('told_at')), _connector='OR'), name='revocation_hearing_term'),
        ),
        migrations.AddConstraint(
            model_name='revocation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'decided'), _negated=True), models.Q(('decided_at__gte', models.F('told_at')), ('told_at__isnull', False)), _connector='OR'), name='revocation_parties_told_first'),
        ),
    ]
